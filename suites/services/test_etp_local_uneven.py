"""What externalTrafficPolicy does to the shares of pods that are spread unevenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.expectations import answered_by, counted
from fixtures.observations import HttpObservation
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.statistics import ALPHA, interval, shares
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

N = 400
"""Connections to each of the two nodes. With a quarter in the place of a half of 800, or a sixth of them, there is no
way to pass: the chi-square statistic would be above 200, and 21 is the limit at alpha = 1e-4."""


@feature("svc.etp.local.uneven")
@pytest.mark.each_family
@pytest.mark.needs(Need.THREE_NODES, Need.NODE_PORTS)
@pytest.mark.parametrize("policy", ["local", "cluster"])
def test_a_balancer_over_nodes_gives_pods_shares_by_policy(
    namespace: Namespace,
    client_1: Vantage,
    shares_hold: Callable[..., None],
    note: Callable[[str, object], None],
    policy: str,
) -> None:
    """With Local, “the proxy will configure the service in a way that assumes that external load balancers will take
    care of balancing the service traffic between nodes, and so each node will deliver traffic only to the node-local
    endpoints of the service”: a load balancer that sends each node as much (here the client does that) gives a pod
    alone on its node as much as three on another together. Cluster is “the standard behavior of routing to all
    endpoints evenly”: as much to each.
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    """
    namespace.apply("etp_local_uneven.yaml")
    pods = namespace.wait_ready()
    everyone = [pod.name for pod in pods]
    seen: list[HttpObservation] = []
    for node, address in {pod.node: pod.node_address for pod in pods}.items():
        url = f"http://{at(address)}:{namespace.node_port(policy)}/hostname"
        there = [pod.name for pod in pods if pod.node == node]
        ask = partial(http, client_1, url)
        settle(partial(ask, count=40), partial(answered_by, names=everyone if policy == "cluster" else there))
        seen += ask(count=N)
    counts = counted(seen)
    for name, count in counts.items():
        low, high = interval(count, len(seen), 1 - ALPHA)
        note(f"share of {name}", f"{count / len(seen):.1%} ({low:.1%} to {high:.1%}, at {1 - ALPHA:.2%} confidence)")
    on = Counter(pod.node for pod in pods)
    local = {pod.name: 1 / len(on) / on[pod.node] for pod in pods}
    even = dict.fromkeys(everyone, 1 / len(everyone))
    wanted = "an even share for each node" if policy == "local" else "an even share for each pod"
    shares_hold(shares(counts, local if policy == "local" else even), wanted, seen)
