"""What kube-proxy writes into a node's kernel."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import Family, at
from clusters.provider import Place
from fixtures import proxy_rules
from fixtures.catalogue import feature
from fixtures.expectations import holds
from fixtures.settling import settle
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@feature("proxy.rules")
@pytest.mark.each_family
def test_the_modes_own_rules_lead_to_the_endpoints(
    namespace: Namespace, mode: str, nodes: list[Place], node_vantages: dict[str, Vantage], family: Family
) -> None:
    """“Kube-proxy calls appropriate APIs (depending on the kube-proxy mode) to configure the node to capture traffic to
    the Service's clusterIP and port, and redirect that traffic to one of the Service's endpoints”
    https://kubernetes.io/docs/reference/networking/virtual-ips/
    """
    namespace.apply("rules.yaml")
    backends = frozenset(f"{at(pod.address)}:8080" for pod in namespace.wait_ready())
    cluster_ip, node_port = namespace.cluster_ip("web"), namespace.node_port("web")
    for node in nodes:
        # Only IPVS has a virtual server for each address of a node; the others match the port at any of them.
        fronts = (f"{at(cluster_ip)}:80/tcp", f"{at(node.address) if mode == 'ipvs' else ''}:{node_port}/tcp")

        def lead_to_them(rules: proxy_rules.Rules, fronts: tuple[str, str] = fronts, name: str = node.name) -> None:
            for front in fronts:
                ends = rules.get(front, frozenset())
                wanted = f"{name}'s rules to lead {front} to exactly {', '.join(sorted(backends))}"
                holds(ends == backends, wanted, f"they lead to {', '.join(sorted(ends)) or 'nothing'}")

        settle(partial(proxy_rules.read, mode, node_vantages[node.name], family), lead_to_them, every=0.2)
