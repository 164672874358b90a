"""trafficDistribution: near endpoints first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.expectations import answered_by, said
from fixtures.in_pods import run_in
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.vantages import PodVantage
from fixtures.verdicts import Mismatch
from fixtures.workloads import Namespace, Pod

ZONELESS = (
    "everyone alike, as kube-proxy sends where it does not know its node's zone; it may have missed that as it "
    "started, for it hears of the node's labels before it has said who is to be told of them, and only once: "
    "https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kube-proxy/app/server.go (NewNodeTopologyConfig)"
)
N = 30
"""Requests. One of three pods is left out of 30 with probability 3·(2/3)^30 < 2e-5, one of two with 2e-9."""


def neighbouring(nodes: list[Place], clients: Mapping[str, PodVantage]) -> dict[str, list[str]]:
    """Two nodes of one zone and one of another, by zone; the check is skipped where there are none such."""
    zones: dict[str, list[str]] = {}
    for node in nodes:
        if node.zone and node.name in clients:
            zones.setdefault(node.zone, []).append(node.name)
    (large, its_nodes), *others = sorted(zones.items(), key=lambda one: -len(one[1])) or [("", [])]
    if len(its_nodes) < 2 or not others:
        told = ", ".join(f"{zone}: {len(names)}" for zone, names in zones.items()) or "of none it is known"
        pytest.skip(f"It needs nodes in two zones at least, one of them with two nodes; this cluster's: {told}.")
    return {large: its_nodes[:2], others[0][0]: others[0][1][:1]}


def only_on(deployment: Object, nodes: Iterable[str]) -> Object:
    """Its pods are on these nodes. One term each: a node's own name is compared with one name only."""
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]} for name in nodes]
    needed = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    deployment["spec"]["template"]["spec"]["affinity"]["nodeAffinity"] = needed
    return deployment


class Neighbours:
    """A pod on each of three nodes, and who reaches whom."""

    def __init__(
        self, namespace: Namespace, preference: str, nodes: list[Place], clients: Mapping[str, PodVantage]
    ) -> None:
        self.namespace = namespace
        self.clients = clients
        self.zones = neighbouring(nodes, clients)
        deployment, service = namespace.read("traffic_distribution.yaml")
        namespace.apply_object(only_on(deployment, [node for zone in self.zones.values() for node in zone]))
        namespace.apply_object({**service, "spec": {**service["spec"], "trafficDistribution": preference}})
        self.pods: dict[str, Pod] = {pod.node: pod for pod in namespace.wait_ready()}

    def with_pods(self, nodes: Iterable[str]) -> list[str]:
        return [node for node in nodes if node in self.pods]

    def reached(self, client: str, nodes: Collection[str]) -> None:
        """From a node, exactly the pods of these nodes are reached."""
        url = f"http://{at(self.namespace.cluster_ip('web'))}/hostname"
        ask = partial(http, self.clients[client], url, count=N)
        by_them = partial(answered_by, names={self.pods[node].name for node in nodes})
        try:
            settle(ask, by_them)
            by_them(ask())
        except Mismatch as other:
            farther = {pod.name for node, pod in self.pods.items() if node not in nodes}
            if not farther or farther - {said(one) for one in other.attempts}:
                raise
            raise Mismatch(other.expected, f"{other.observed}: {ZONELESS}", other.attempts, other.statistics) from None

    def away(self, node: str) -> None:
        """The node's pod turns unready: its probe asks every second, and one failure counts."""
        run_in(self.namespace, self.pods.pop(node).name, "touch", "/tmp/unready")


@feature("svc.traffic-distribution")
@pytest.mark.each_family
@pytest.mark.needs(Need.THREE_NODES)
@pytest.mark.parametrize("preference", ["PreferSameZone", "PreferClose"])
def test_clients_reach_their_own_zone_while_it_has_endpoints(
    namespace: Namespace, nodes: list[Place], pod_vantages: dict[str, PodVantage], preference: str
) -> None:
    """“PreferSameZone: This prioritizes sending traffic to endpoints in the same zone as the client … If a client's
    zone does not have any available endpoints, traffic will be routed cluster-wide for that client.” “PreferClose
    (deprecated): This is an older alias”.
    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
    """
    here = Neighbours(namespace, preference, nodes, pod_vantages)
    for zone in here.zones.values():
        for node in zone:
            here.reached(node, here.with_pods(zone))
    emptied, *others = sorted(here.zones.values(), key=len)
    for node in here.with_pods(emptied):
        here.away(node)
    for node in emptied:
        here.reached(node, here.pods)
    for zone in others:
        here.reached(zone[0], here.with_pods(zone))


@feature("svc.traffic-distribution")
@pytest.mark.each_family
@pytest.mark.needs(Need.THREE_NODES)
def test_clients_reach_their_own_node_then_their_zone_then_everyone(
    namespace: Namespace, nodes: list[Place], pod_vantages: dict[str, PodVantage]
) -> None:
    """“PreferSameNode: This prioritizes sending traffic to endpoints on the same node as the client … If a client's
    node does not have any available endpoints, then the service proxy will fall back to "same zone" behavior, or
    cluster-wide if there are no same-zone endpoints either.”
    https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
    """
    here = Neighbours(namespace, "PreferSameNode", nodes, pod_vantages)
    for node in list(here.pods):
        here.reached(node, [node])
    client, neighbour = max(here.zones.values(), key=len)
    here.away(client)
    here.reached(client, [neighbour])
    here.away(neighbour)
    here.reached(client, here.pods)
