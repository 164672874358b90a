"""A load balancer, and nodes that have no ready pod any more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import answered_by, said, sources_are
from fixtures.probes import http
from fixtures.steady import Stream, good, told
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

N = 50


@feature("svc.lb.drops-empty-nodes")
@pytest.mark.each_family
@pytest.mark.needs(Need.TWO_NODES, Need.ADDRESS_POOL)
def test_the_load_balancer_follows_the_only_pod_to_another_node(
    namespace: Namespace,
    nodes: list[Place],
    client_1: Vantage,
    steady: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """externalTrafficPolicy Local “forces nodes without Service endpoints to remove themselves from the list of nodes
    eligible for loadbalanced traffic by deliberately failing health checks.”
    https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-loadbalancer
    MetalLB checks no health but the endpoints: “A given speaker won't advertise the service if: … the service has
    externalTrafficPolicy=local and there are no running endpoints on the speaker's node”.
    https://metallb.io/troubleshooting/#general-concepts
    """
    namespace.apply("lb_drops_empty_nodes.yaml")
    (first,) = namespace.wait_ready()
    what = "the Service to get an address"
    address = await_value(partial(namespace.load_balancer_address, "web"), bool, what=what, timeout=Timeout.ADDRESS)
    url = f"http://{at(address)}"
    converge(partial(http, client_1, f"{url}/hostname"), lambda seen: seen[0].answered, what="the address to answer")
    target = next(node.name for node in nodes if node.name != first.node)
    with steady(client_1, f"{url}/hostname", timeout=Timeout.DROP.seconds) as stream:
        stream.await_answers(25)
        began = stream.mark(f"the pod is moved from {first.node} to {target}")
        affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": only_on(target)}}
        namespace.patch("apps/v1", "Deployment", "web", {"spec": {"template": {"spec": {"affinity": affinity}}}})
        (second,) = namespace.wait_ready()
        stream.mark(f"the pod on {target} is ready, the other one told to end")
        stream.await_seen(
            lambda seen: len(seen) >= N and all(good(one) and said(one) == second.name for one in seen[-N:]),
            what=f"{N} requests in a row to be answered by the pod on {target}",
        )
        stream.mark(f"only the pod on {target} is asked")
    note("requests during the move", told(stream.since(began)))
    answered_by(http(client_1, f"{url}/hostname", count=N), [second.name])
    sources_are(http(client_1, f"{url}/clientip", count=5), [client_1.address])


def only_on(node: str) -> dict[str, object]:
    chosen = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"nodeSelectorTerms": [{"matchExpressions": [chosen]}]}
