"""sessionAffinity: ClientIP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Cluster, Place
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered, answered_by, holds, said, tally
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace

BY_CHANCE = ("iptables", "nftables")
"""Modes in which nodes send new clients independently of each other: of the feature's differences."""
PORTS = range(8001, 8013)
"""Each port remembers clients for itself. Two clients are sent to the same one of three pods by chance at all twelve
with probability (1/3)^12 < 2e-6."""
PER_PORT = 6
"""Connections. Without affinity all six would meet one of three pods with probability (1/3)^5 = 0.4 %; at every one of
twelve ports with 1e-29."""


AT_ONCE = 30
"""Requests. One of three pods is left out of 30 with probability 3·(2/3)^30 < 2e-5."""


def complete(namespace: Namespace) -> tuple[list[str], int]:
    """Wait until the Service that remembers has all its endpoints, and only then make the other one, of which every
    node hears later. Gives the pods' names and the other's node port."""
    namespace.apply("affinity_clientip.yaml")
    pods = [pod.name for pod in namespace.wait_ready()]

    def ready() -> list[str]:
        return sorted(end.pod for end in namespace.endpoints("web") if end.ready)

    await_value(ready, lambda found: found == pods, what=f"{', '.join(pods)} to be endpoints")
    namespace.apply("affinity_clientip_every.yaml")
    return pods, namespace.node_port("every")


def where_sent(client: Vantage, urls: Iterable[str], pods: Iterable[str], every: str) -> list[str]:
    """The pod that each port sends the client to; all its connections to a port have to meet the same.

    The first one is what is remembered, so before it the client has to reach every pod through the other Service.
    """
    settle(partial(http, client, every, count=AT_ONCE), partial(answered_by, names=pods))
    chosen = []
    for url in urls:
        converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"{url} to answer", successes=1)
        seen = all_answered(http(client, url, count=PER_PORT))
        pods = [said(answer) for answer in seen]
        wanted = f"all {PER_PORT} connections of {client.name} to {url} to reach one pod"
        holds(len(set(pods)) == 1, wanted, f"they reached {tally(pods)}", seen)
        chosen.append(pods[0])
    return chosen


def are_apart(chosen: dict[str, list[str]]) -> None:
    """It is the client that is remembered: clients are not all sent alike."""
    told = "; ".join(f"{name}: {', '.join(pods)}" for name, pods in chosen.items())
    one_way = len({tuple(pods) for pods in chosen.values()}) == 1
    holds(not one_way, "clients with different addresses to be sent each in its own way", f"at each port alike: {told}")


@feature("svc.affinity.clientip")
@pytest.mark.each_family
def test_connections_of_one_pod_reach_one_pod(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“If you want to make sure that connections from a particular client are passed to the same Pod each time, you can
    select the session affinity based on the client's IP addresses”
    https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity
    In ipvs mode every node takes turns among the endpoints, so two nodes may send their own first clients alike; and
    where the mode is not known, they may as well.
    """
    pods, _ = complete(namespace)
    urls = [f"http://{at(namespace.cluster_ip('web'))}:{port}/hostname" for port in PORTS]
    every = f"http://{at(namespace.cluster_ip('every'))}/hostname"
    clients = list(pod_vantages.values())[:2]
    chosen = {client.name: where_sent(client, urls, pods, every) for client in clients}
    if len(clients) > 1 and cluster.mode in BY_CHANCE:
        are_apart(chosen)


@feature("svc.affinity.clientip")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS)
def test_connections_of_one_outside_client_reach_one_pod(
    namespace: Namespace,
    nodes: list[Place],
    client_1: Vantage,
    client_2: Vantage,
    note: Callable[[str, object], None],
) -> None:
    """The same at a node port, where the client's address is only replaced after the pod has been chosen. At one
    node, because each node has a memory of its own: what two nodes chose is recorded and not judged.
    https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity
    """
    pods, of_all = complete(namespace)
    ports = [namespace.node_port("web", port) for port in PORTS]

    def sent(client: Vantage, node: Place) -> list[str]:
        urls = [f"http://{at(node.address)}:{port}/hostname" for port in ports]
        return where_sent(client, urls, pods, f"http://{at(node.address)}:{of_all}/hostname")

    first, *others = nodes
    chosen = {client.name: sent(client, first) for client in (client_1, client_2)}
    are_apart(chosen)
    if others:
        alike = sum(one == other for one, other in zip(chosen[client_1.name], sent(client_1, others[0]), strict=True))
        note("ports at which another node sends the same client to the same pod", f"{alike} of {len(PORTS)}")
