"""A UDP client whose only server is replaced."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial

import pytest

from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.expectations import answered_by
from fixtures.observations import StreamObservation
from fixtures.probes import udp
from fixtures.settling import settle
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace

SOURCE_PORTS = range(20000, 24000)
"""Of the client's socket; whoever has one of them just now is somebody else with a probability of next to nothing."""
N = 5

Note = Callable[[str, object], None]
Ask = Callable[..., list[StreamObservation]]


def socket_of(client: Vantage, address: str, port: int) -> Ask:
    """Exchanges with one server, all from one port of the client's: to the network they are one flow, which each of
    them renews, so that it never ends by itself."""
    source = SOURCE_PORTS.start + secrets.randbelow(len(SOURCE_PORTS))
    return partial(udp, client, address, port, "hostname", source_port=source, timeout=Timeout.DROP.seconds)


def only(ask: Ask, pod: str, note: Note) -> None:
    """The socket reaches this pod and no other, from some moment within the time-out on."""
    by_it = partial(answered_by, names=[pod])
    began = time.monotonic()
    settle(partial(ask, count=N), by_it)
    note(f"seconds until only {pod} answers", round(time.monotonic() - began, 1))
    by_it(ask(count=N))


def replace(namespace: Namespace, ask: Ask, note: Note) -> None:
    """The Service gets another backend at once, and then that one's pod is deleted and made anew, with a gap."""
    first, second = sorted(namespace.wait_ready(), key=lambda pod: pod.labels["app"])
    only(ask, first.name, note)
    namespace.patch("v1", "Service", "datagrams", {"spec": {"selector": {"app": "second"}}})
    only(ask, second.name, note)
    namespace.delete("v1", "Pod", second.name)
    (anew,) = (pod for pod in namespace.wait_ready() if pod.labels["app"] == "second")
    only(ask, anew.name, note)


@feature("svc.udp.conntrack")
@pytest.mark.each_family
def test_a_socket_reaches_the_new_backend_of_a_cluster_ip(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], note: Note
) -> None:
    """“Kubernetes UDP services can be affected by stale conntrack entries. These entries may point to endpoints that no
    longer exist”: kube-proxy “scans conntrack table and removes any entries for a service that do not correspond to a
    serving endpoint.” https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/conntrack/cleanup.go
    """
    namespace.apply("udp_conntrack.yaml")
    client = next(iter(pod_vantages.values()))
    replace(namespace, socket_of(client, namespace.cluster_ip("datagrams"), 90), note)


@feature("svc.udp.conntrack")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_socket_reaches_the_new_backend_of_a_node_port(namespace: Namespace, client_1: Vantage, note: Note) -> None:
    """The same from outside: a node port's flows are cleared too (“*:NodePort”).
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/conntrack/cleanup.go
    """
    namespace.apply("udp_conntrack.yaml")
    node = namespace.wait_ready()[0].node_address
    replace(namespace, socket_of(client_1, node, namespace.node_port("datagrams")), note)
