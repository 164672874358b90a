"""IP families: how they are named, chosen and seen, and what of a check they change."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.errors import UsageError
from clusters.families import Family, at, chosen, family_of, told
from clusters.provider import Place, Ranges
from conformance.options import parse
from fixtures.observations import Outcome
from fixtures.probes import dns, http, tcp, udp
from fixtures.servers import dns_recorder, echo_server, web_server
from fixtures.vantages import NetnsVantage
from fixtures.workloads import Namespace, in_family
from tests.miniatures.cluster import a_cluster
from tests.miniatures.ports import refusing_port
from tests.vantages import Vantage, every_vantage

SIX = NetnsVantage(Place(name="here", role="server", address="::1", here=True))
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": []}}


@pytest.mark.parametrize(
    ("text", "families"),
    [("ipv4", ["IPv4"]), ("ipv4,ipv6", ["IPv4", "IPv6"]), (" IPv6 , ipv4", ["IPv6", "IPv4"]), ("ipv6", ["IPv6"])],
)
def test_the_option_names_families_and_their_order(text: str, families: list[Family]) -> None:
    assert chosen(text) == families


def test_a_cluster_that_is_there_has_its_own() -> None:
    assert chosen("") == chosen("", there_already=True) == ["IPv4"]
    with pytest.raises(UsageError, match=r"--families is for a cluster that is made"):
        chosen("ipv6", there_already=True)
    for there in (["--cluster", "mine"], ["--provider", "existing"]):
        with pytest.raises(UsageError, match=r"Leave it out"):
            parse("cell", ["--run", "runs/x", *there, "--families", "ipv4"])
    assert parse("cell", ["--run", "runs/x", "--families", "ipv6,ipv4"]).families == ["IPv6", "IPv4"]


@pytest.mark.parametrize("text", [",", "ipv5", "ipv4,ipv4", "dual", "ipv4 ipv6"])
def test_what_names_no_family_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"does not name IP families\. Use ipv4, ipv6, or both with a comma"):
        chosen(text)


def test_addresses_subnets_and_ranges_have_a_family() -> None:
    assert [family_of(one) for one in ("10.0.0.1", "fd00::/64", "fd00::1-fd00::9", "10.0.0.1-10.0.0.9")] == [
        *("IPv4", "IPv6", "IPv6", "IPv4")
    ]
    assert (at("fd00::1"), at("10.0.0.1"), at("web.example")) == ("[fd00::1]", "10.0.0.1", "web.example")
    assert told(["IPv4", "IPv6"]) == "IPv4+IPv6"
    with pytest.raises(ValueError, match="web"):
        family_of("web")


def test_a_cluster_is_seen_in_either_of_its_families() -> None:
    node = Place(
        name="n1",
        role="node",
        address="172.30.0.11",
        addresses={"IPv4": "172.30.0.11", "IPv6": "fd00::b"},
        pod_subnet="10.244.1.0/24",
        pod_subnets={"IPv4": "10.244.1.0/24", "IPv6": "fd01::/64"},
    )
    cluster = a_cluster(
        nodes=[node],
        families=["IPv4", "IPv6"],
        pod_subnet="10.244.0.0/16",
        dns_address="10.96.0.10",
        ranges={"IPv4": Ranges(pod_subnet="10.244.0.0/16"), "IPv6": Ranges(pod_subnet="fd01::/56")},
    )
    six = cluster.of("IPv6")
    assert (six.families, six.pod_subnet, six.dns_address) == (["IPv6"], "fd01::/56", "10.96.0.10")
    assert (six.nodes[0].address, six.nodes[0].pod_subnet) == ("fd00::b", "fd01::/64")
    assert cluster.of("IPv4").nodes[0].address == "172.30.0.11"
    assert Place(name="n1", role="node", address="172.30.0.11").of("IPv6").address == ""


def test_only_services_that_say_nothing_get_a_family() -> None:
    assert in_family(SERVICE, "IPv6")["spec"] == {"ports": [], "ipFamilies": ["IPv6"]}
    assert in_family(SERVICE, None) is SERVICE
    for spec in ({"type": "ExternalName"}, {"ipFamilies": ["IPv4"]}, {"ipFamilyPolicy": "PreferDualStack"}):
        kept = {**SERVICE, "spec": spec}
        assert in_family(kept, "IPv6") is kept
    pod = {**SERVICE, "kind": "Pod"}
    assert in_family(pod, "IPv6") is pod


def test_a_namespace_sees_its_pods_in_its_family() -> None:
    status = SimpleNamespace(
        pod_ip="10.0.0.1",
        pod_ips=[SimpleNamespace(ip="10.0.0.1"), SimpleNamespace(ip="fd00::1")],
        host_ip="172.30.0.11",
        host_ips=[SimpleNamespace(ip="172.30.0.11"), SimpleNamespace(ip="fd00::b")],
        conditions=[],
    )
    pod = SimpleNamespace(
        metadata=SimpleNamespace(name="web", labels={}, deletion_timestamp=None),
        spec=SimpleNamespace(node_name="n1"),
        status=status,
    )
    core = SimpleNamespace(list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=[pod]))
    api: Any = SimpleNamespace(core=core)
    namespace = Namespace(api, "ns", Path())
    seen = {}
    families: tuple[Family | None, ...] = (None, "IPv6")
    for family in families:
        namespace.family = family
        (found,) = namespace.pods()
        seen[family] = (found.address, found.node_address)
    assert seen == {None: ("10.0.0.1", "172.30.0.11"), "IPv6": ("fd00::1", "fd00::b")}


def has_ipv6() -> bool:
    """Whether this machine's loopback has an IPv6 address: in some containers it has none."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine's loopback has no IPv6 address")
@every_vantage
def test_every_probe_speaks_ipv6(vantage: Vantage) -> None:
    port = refusing_port()
    with echo_server(SIX) as echo, web_server(SIX) as server, dns_recorder(SIX, {"six.example": "2001:db8::7"}, port):
        (page,) = http(vantage, f"http://[::1]:{server.port}/")
        (elsewhere,) = http(vantage, f"http://six.example:{server.port}/", address="::1")
        (over_tcp,) = tcp(vantage, "::1", echo, "hello")
        (over_udp,) = udp(vantage, "::1", echo, "hello")
        (known,) = dns(vantage, "six.example.", "AAAA", server="::1", port=port)
        (none,) = dns(vantage, "six.example.", "A", server="::1", port=port)
    assert page.outcome is elsewhere.outcome is Outcome.ANSWERED
    assert page.remote == f"[::1]:{server.port}"
    assert (over_tcp.reply, over_udp.reply) == ("hello", "hello")
    assert over_tcp.remote == f"[::1]:{echo}"
    assert (known.answers, none.answers) == (["2001:db8::7"], [])
