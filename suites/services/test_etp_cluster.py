"""externalTrafficPolicy: Cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.addresses import address_towards
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import sources_are
from fixtures.probes import http
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@feature("svc.etp.cluster")
@pytest.mark.each_family
@pytest.mark.needs(Need.TWO_NODES, Need.NODE_PORTS)
def test_cluster_policy_shows_the_address_of_the_node_that_was_asked(
    namespace: Namespace,
    nodes: list[Place],
    node_vantages: dict[str, Vantage],
    client_1: Vantage,
    client_2: Vantage,
    note: Callable[[str, object], None],
) -> None:
    """“node2 replaces the source IP address (SNAT) in the packet with its own IP address”
    https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-nodeport

    Which of its own: “"masquerade" means "SNAT to the IP of the interface the packet is going out on"”, so its
    address on the node network for a pod elsewhere, and for a pod of its own the address of the pod's gateway on
    that node.
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    """
    namespace.apply("etp_cluster.yaml")
    (pod,) = namespace.wait_ready()
    for node in nodes:
        url = f"http://{at(node.address)}:{namespace.node_port('web')}/clientip"
        converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{node.name}'s node port to answer")
        own = address_towards(node_vantages[node.name], pod.address)
        note(f"{node.name}'s address{' (the pod is there)' if node.name == pod.node else ''}", own)
        for client in (client_1, client_2):
            sources_are(http(client, url, count=5), [own])
