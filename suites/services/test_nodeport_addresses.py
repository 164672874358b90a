"""Which of a node's addresses answer at a node port."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import Family, at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.addresses import addresses_of
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, none_answered
from fixtures.kube_proxy import KubeProxies
from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.proxy_config import node_port_addresses, proxy_config
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace, Pod

NOBODYS: dict[Family, str] = {"IPv4": "192.0.2.0/24", "IPv6": "2001:db8::/64"}
"""Ranges for documentation, of which no node has an address."""
LOOPBACK: dict[Family, str] = {"IPv4": "127.0.0.1", "IPv6": "::1"}


@feature("svc.nodeport.addresses")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_ACCESS, Need.MODE)
def test_a_node_answers_at_those_of_its_addresses_that_its_mode_and_configuration_say(
    namespace: Namespace,
    nodes: list[Place],
    node_vantages: dict[str, Vantage],
    mode: str,
    family: Family,
    note: Callable[[str, object], None],
) -> None:
    """“In iptables mode, by default, NodePort services are reachable on all local IP addresses”; “the nftables mode
    defaults to --nodeport-addresses primary”. “In iptables mode, if the --nodeport-addresses range includes 127.0.0.1
    (and the option --iptables-localhost-nodeports false option is not passed), then Services of type: NodePort are
    reachable even on "localhost" (127.0.0.1). In nftables mode (and ipvs mode), this will not work.”
    https://kubernetes.io/docs/reference/networking/virtual-ips/#migrating-from-iptables-mode-to-nftables
    What kube-proxy was configured with is asked of itself, on each node.
    """
    namespace.apply("nodeport_addresses.yaml")
    (pod,) = namespace.wait_ready()
    for node in nodes:
        answering = answers_as_configured(namespace, pod, node, node_vantages[node.name], mode, family)
        note(f"{node.name} answers at", ", ".join(answering))


@feature("svc.nodeport.addresses")
@pytest.mark.disturbs
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_ACCESS, Need.MODE)
def test_a_configured_range_of_addresses_is_the_only_one_that_answers(
    namespace: Namespace,
    nodes: list[Place],
    node_vantages: dict[str, Vantage],
    mode: str,
    family: Family,
    kube_proxies: KubeProxies,
) -> None:
    """“If you want to specify particular IP address(es) to proxy the port, you can set the --nodeport-addresses flag
    for kube-proxy or the equivalent nodePortAddresses field … This flag takes a comma-delimited list of IP blocks …
    to specify IP address ranges that kube-proxy should consider as local to this node.”
    https://kubernetes.io/docs/concepts/services-networking/service/#service-nodeport-custom-listen-address
    """
    namespace.apply("nodeport_addresses.yaml")
    (pod,) = namespace.wait_ready()
    for there in node_vantages.values():
        proxy_config(there)
    bits = 32 if family == "IPv4" else 128
    for ranges in ([NOBODYS[family]], [f"{node.address}/{bits}" for node in nodes]):
        kube_proxies.change(nodePortAddresses=ranges)
        for node in nodes:
            answers_as_configured(namespace, pod, node, node_vantages[node.name], mode, family, told_before=True)


def answers_as_configured(
    namespace: Namespace,
    pod: Pod,
    node: Place,
    there: Vantage,
    mode: str,
    family: Family,
    *,
    told_before: bool = False,
) -> list[str]:
    """Judge every address of a node, asked on the node itself; gives those that answer."""
    own = list(dict.fromkeys([node.address, *addresses_of(there, family), LOOPBACK[family]]))
    answering = node_port_addresses(proxy_config(there, told_before=told_before), mode, node.address, own)
    for address in sorted(own, key=lambda one: one not in answering):
        ask = partial(http, there, f"http://{at(address)}:{namespace.node_port('web')}/hostname")
        if address in answering:
            converge(ask, lambda seen: seen[0].answered, what=f"{node.name} to answer at {address}")
            answered_by(ask(count=3), [pod.name])
        else:
            refuses = f"{node.name} to refuse at {address}"
            converge(ask, lambda seen: seen[0].outcome is Outcome.REFUSED, what=refuses)
            none_answered(ask(count=3), outcomes={Outcome.REFUSED})
    return answering
