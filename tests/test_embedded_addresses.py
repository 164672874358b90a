"""Addresses of a cluster: where the documents say they are, apart from one another, refused where they cannot be."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters.embedded.addresses import plan, zone
from clusters.errors import UsageError
from clusters.provider import ClusterSpec


def test_the_usual_addresses() -> None:
    addresses = plan(ClusterSpec(name="a"))

    assert addresses.control_plane == "172.30.0.1"
    assert addresses.nodes == {"n1": "172.30.0.11", "n2": "172.30.0.12", "n3": "172.30.0.13"}
    assert addresses.clients == {"client-1": "172.30.0.101", "client-2": "172.30.0.102"}
    assert addresses.servers == {"server-1": "172.30.0.151"}
    assert addresses.pods == {"n1": "10.244.1.0/24", "n2": "10.244.2.0/24", "n3": "10.244.3.0/24"}
    assert (addresses.dns, addresses.kubernetes_service) == ("10.96.0.10", "10.96.0.1")
    assert addresses.pool == "172.30.0.200-172.30.0.250"


def test_a_dual_stack_cluster_has_every_address_twice() -> None:
    addresses = plan(ClusterSpec(name="a", families=["IPv4", "IPv6"], pod_subnet="fd00:1::/56"))

    assert [one.family for one in addresses.every] == ["IPv4", "IPv6"]
    assert addresses.hosts()["n1"] == {"IPv4": "172.30.0.11", "IPv6": "fd00:172:30::b"}
    assert addresses.hosts()["server-1"] == {"IPv4": "172.30.0.151", "IPv6": "fd00:172:30::97"}
    assert addresses.pod_subnets == "10.244.0.0/16,fd00:1::/56"
    assert addresses.service_subnets == "10.96.0.0/16,fd00:10:96::/112"
    assert [one.pods["n2"] for one in addresses.every] == ["10.244.2.0/24", "fd00:1:0:2::/64"]
    assert addresses.dns == "10.96.0.10"


def test_the_first_family_rules() -> None:
    addresses = plan(ClusterSpec(name="a", families=["IPv6", "IPv4"]))

    assert addresses.api_server == "https://[fd00:172:30::1]:6443"
    assert addresses.dns == "fd00:10:96::a"
    assert list(addresses.hosts()["n1"]) == ["IPv6", "IPv4"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine, too
@given(st.integers(1, 40), st.integers(0, 255))
def test_no_two_hosts_share_an_address(nodes: int, third: int) -> None:
    addresses = plan(ClusterSpec(name="a", nodes=nodes, node_subnet=f"10.9.{third}.0/24"))
    subnet = ipaddress.ip_network(addresses.node_subnet)
    pool = range(int(ipaddress.ip_address(addresses.pool_first)), int(ipaddress.ip_address(addresses.pool_last)) + 1)
    hosts = [
        addresses.control_plane,
        *addresses.nodes.values(),
        *addresses.clients.values(),
        *addresses.servers.values(),
        *(str(ipaddress.ip_address(number)) for number in pool),
    ]

    assert len(set(hosts)) == len(hosts)
    assert all(ipaddress.ip_address(host) in subnet for host in hosts)
    assert len(set(addresses.pods.values())) == nodes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pod_subnet": "172.30.0.0/16"}, "overlap"),
        ({"service_subnet": "10.244.0.0/16"}, "overlap"),
        ({"node_subnet": "10.96.0.0/24"}, "overlap"),
        ({"node_subnet": "172.30.0.0/25"}, "too small"),
        ({"pod_subnet": "10.244.0.0/24"}, "too small"),
        ({"node_subnet": "172.30.0.7/24"}, "subnet '172.30.0.7/24' is none"),
        ({"node_subnet": "fd00::/64"}, "fd00::/64 is IPv6, and the cluster is IPv4. Say which families"),
        ({"node_subnet": "10.0.0.0/24,10.0.1.0/24"}, "two IPv4 node subnets"),
        ({"families": ["IPv4", "IPv6"], "service_subnet": "fd00:10:96::/64"}, "too large for the API server"),
        ({"families": ["IPv6"], "pod_subnet": "fd00:10:244::/64"}, "too small"),
        ({"families": ["IPv4", "IPv6"], "pod_subnet": "fd00:172::/56", "node_subnet": "fd00:172::/64"}, "overlap"),
        ({"families": []}, "without an IP family"),
        ({"nodes": 0}, "0 nodes"),
        ({"nodes": 41}, "41 nodes"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan(ClusterSpec(name="a", **changes))  # type: ignore[arg-type]


def test_there_are_two_zones_wherever_there_are_two_nodes() -> None:
    for nodes in range(2, 41):
        assert {zone(number, nodes) for number in range(1, nodes + 1)} == {"zone-a", "zone-b"}
    assert [zone(number, 3) for number in (1, 2, 3)] == ["zone-a", "zone-a", "zone-b"]
