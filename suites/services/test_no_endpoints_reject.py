"""Services without endpoints."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import refused_quickly
from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace

POLICIES = pytest.mark.parametrize("policy", ["", "-local"], ids=["cluster-policy", "local-policy"])
"""A Local policy drops only where there are endpoints on other nodes; where there are none at all, it rejects too."""


def judge(client: Vantage, url: str) -> None:
    """One refusal to be sure that the rules are there, and one that counts: Linux sends a burst of 6 ICMP errors to one
    address and then one a second (icmp_ratelimit), so that many quick attempts would see silence from a right proxy.
    Nodes that we make send as many as they are asked for (`clusters.icmp`); those of others need not.
    https://docs.kernel.org/networking/ip-sysctl.html
    Over IPv6 a refusal may take a second: one that comes back while connect(2) still holds the socket only counts when
    the next packet is refused (`tcp_v6_err` of Linux), and TCP sends that after a second (RFC 6298, section 2.1).
    """
    refused = partial(http, client, url)
    is_refused = f"{client.name} to be refused at {url}"
    converge(refused, lambda seen: seen[0].outcome is Outcome.REFUSED, what=is_refused, successes=1)
    refused_quickly(http(client, url), within=Timeout.REFUSAL.seconds)


@feature("svc.no-endpoints.reject")
@pytest.mark.each_family
@POLICIES
def test_a_cluster_ip_without_endpoints_refuses_at_once(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], policy: str
) -> None:
    """“Rejecting packets for services with no local or remote endpoints.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    """
    namespace.apply("no_endpoints_reject.yaml")
    for client in pod_vantages.values():
        judge(client, f"http://{at(namespace.cluster_ip(f'inside{policy}'))}/")


@feature("svc.no-endpoints.reject")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS)
@POLICIES
def test_a_node_port_without_endpoints_refuses_at_once(
    namespace: Namespace, nodes: list[Place], client_1: Vantage, policy: str
) -> None:
    """“Rejecting packets for services with no local or remote endpoints.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    """
    namespace.apply("no_endpoints_reject.yaml")
    for node in nodes:
        judge(client_1, f"http://{at(node.address)}:{namespace.node_port(f'outside{policy}')}/")
