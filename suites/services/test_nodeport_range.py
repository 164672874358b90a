"""Which node port a Service gets."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, equal, holds
from fixtures.probes import http
from fixtures.refusals import was_refused
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

RANGE = range(30000, 32768)
"""kube-apiserver's default --service-node-port-range."""
STATIC_BAND = 86
"""Ports at its low end that automatic allocation leaves alone: min(max(16, size / 32), 128)."""


def asking_for(namespace: Namespace, port: int, name: str = "explicit") -> Object:
    """The manifest's Service that asks for a node port, with another number."""
    *_, service = documents((namespace.folder / "nodeport_range.yaml").read_text(encoding="utf-8"))
    service["metadata"]["name"] = name
    service["spec"]["ports"][0]["nodePort"] = port
    return service


@feature("svc.nodeport.range")
@pytest.mark.needs(Need.NODE_PORTS)
def test_node_ports_are_in_the_range_or_as_asked_for(namespace: Namespace, client_1: Vantage) -> None:
    """“If you set the type field to NodePort, the Kubernetes control plane allocates a port from a range … (default:
    30000-32767)”; “If you want a specific port number, you can specify a value in the nodePort field.”
    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    wanted = RANGE.start + secrets.randbelow(STATIC_BAND)
    deployment, automatic, _ = documents((namespace.folder / "nodeport_range.yaml").read_text(encoding="utf-8"))
    for manifest in (deployment, automatic, asking_for(namespace, wanted)):
        namespace.apply_object(manifest)
    (pod,) = namespace.wait_ready()
    given = namespace.node_port("automatic")
    holds(given in RANGE, f"a port from {RANGE.start} to {RANGE.stop - 1}", str(given))
    equal("the node port that was asked for", wanted, namespace.node_port("explicit"))
    for port in (given, wanted):
        url = f"http://{at(pod.node_address)}:{port}/hostname"
        converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"node port {port} to answer")
        answered_by(http(client_1, url, count=3), [pod.name])


@feature("svc.nodeport.range")
@pytest.mark.parametrize("port", [RANGE.start - 1, RANGE.stop], ids=["below", "above"])
def test_a_node_port_outside_the_range_is_refused(
    namespace: Namespace, note: Callable[[str, object], None], port: int
) -> None:
    """“You also have to use a valid port number, one that's inside the range configured for NodePort use.”
    https://kubernetes.io/docs/concepts/services-networking/service/#nodeport-custom-port
    """
    refusal = namespace.refusal(asking_for(namespace, port))
    note("the API server's words", was_refused(refusal, f"node port {port}", "spec.ports[0].nodePort", str(port)))


@feature("svc.nodeport.range")
def test_a_taken_node_port_is_refused(namespace: Namespace, note: Callable[[str, object], None]) -> None:
    """“The control plane will either allocate you that port or report that the API transaction failed. This means that
    you need to take care of possible port collisions yourself.”
    https://kubernetes.io/docs/concepts/services-networking/service/#nodeport-custom-port
    """
    _, automatic, _ = documents((namespace.folder / "nodeport_range.yaml").read_text(encoding="utf-8"))
    namespace.apply_object(automatic)
    taken = namespace.node_port("automatic")
    refusal = namespace.refusal(asking_for(namespace, taken, "collision"))
    words = was_refused(refusal, f"node port {taken}, which is taken,", "spec.ports[0].nodePort", str(taken))
    note("the API server's words", words.replace(str(taken), "PORT"))
