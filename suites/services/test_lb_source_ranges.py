"""loadBalancerSourceRanges."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at, family_of
from clusters.needs import Need
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, none_answered
from fixtures.load_balancers import with_address
from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.probes.together import together
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


def alone(client: Vantage) -> str:
    """The range that holds this client and nobody else."""
    return f"{client.address}/{32 if family_of(client.address) == 'IPv4' else 128}"


def serve_only(namespace: Namespace, *clients: Vantage) -> list[Object]:
    """Apply the manifest with these clients' addresses in the place of the documentation's."""
    text = (namespace.folder / "lb_source_ranges.yaml").read_text(encoding="utf-8")
    return namespace.apply(documents(text.replace("192.0.2.1/32", ", ".join(f'"{alone(one)}"' for one in clients))))


@feature("svc.lb.source-ranges")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL)
def test_a_load_balancer_admits_some_clients_and_drops_others(
    namespace: Namespace, client_1: Vantage, client_2: Vantage
) -> None:
    """“If specified and supported by the platform, … traffic … will be restricted to the specified client IPs.”
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    kube-proxy does it where the client's address arrives: “Dropping packets that are filtered out by the
    LoadBalancerSourceRanges feature.” https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    """
    serve_only(namespace, client_1)
    (pod,) = namespace.wait_ready()
    url = f"http://{at(with_address(namespace))}/hostname"
    converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{url} to answer {client_1.name}")
    dropped = partial(http, client_2, url, timeout=Timeout.DROP.seconds)
    is_dropped = f"requests of {client_2.name}, which is in no range, to be dropped"
    converge(dropped, lambda seen: seen[0].outcome is Outcome.TIMEOUT, what=is_dropped, successes=1)
    answered_by(http(client_1, url, count=5), [pod.name])
    none_answered(together(*[dropped] * 3), outcomes={Outcome.TIMEOUT})

    serve_only(namespace, client_1, client_2)
    converge(partial(http, client_2, url), lambda seen: seen[0].answered, what=f"{url} to answer {client_2.name} too")
    for client in (client_1, client_2):
        answered_by(http(client, url, count=5), [pod.name])


@feature("svc.lb.source-ranges")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.NODE_PORTS)
def test_a_node_port_knows_no_source_ranges(namespace: Namespace, client_1: Vantage, client_2: Vantage) -> None:
    """“For better or for worse, nodeports are not subject to loadBalancerSourceRanges, and we can't change that.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/proxier.go, and so in iptables/proxier.go
    """
    serve_only(namespace, client_1)
    (pod,) = namespace.wait_ready()
    with_address(namespace)
    url = f"http://{at(pod.node_address)}:{namespace.node_port('web')}/hostname"
    for client in (client_1, client_2):
        converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"{url} to answer {client.name}")
        answered_by(http(client, url, count=5), [pod.name])
