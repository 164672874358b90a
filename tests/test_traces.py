"""What names a Service in listings of kube-proxy's rules, and what does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import pytest

from clusters.families import Family
from fixtures.traces import traces
from fixtures.vantages import Vantage
from fixtures.verdicts import ArrangementError
from fixtures.whole import Completed


class Node:
    """Its tools print what they are told."""

    name = "n1"

    def __init__(self, printed: Mapping[str, str]) -> None:
        self._printed = printed

    def exec(self, argv: list[str]) -> Completed:
        if argv[0] not in self._printed:
            return Completed(status=1, stdout="", stderr="Operation not permitted")
        return Completed(status=0, stdout=self._printed[argv[0]], stderr="")


def found(mode: str, printed: Mapping[str, str], family: Family = "IPv4", address: str = "10.96.1.2") -> list[str]:
    return traces(mode, cast("Vantage", Node(printed)), family, namespace="team-a", address=address)


@pytest.mark.parametrize(
    "line",
    [
        '-A KUBE-SEP-1111 -m comment --comment "team-a/web:http" -j KUBE-MARK-MASQ',
        "-A KUBE-SERVICES -d 10.96.1.2/32 -p tcp -j KUBE-SVC-AAAA",
    ],
)
def test_rules_of_any_table_that_name_it_are_found(line: str) -> None:
    others = '-A KUBE-SEP-1 -d 10.96.1.23/32 --comment "other-team-ab/web"\n-A KUBE-SEP-1 -d 110.96.1.2/32 -j X'
    assert found("iptables", {"iptables-save": f"*filter\n{line}\n{others}\n"}) == [f"all tables: {line}"]


def test_ipv6_addresses_are_told_apart() -> None:
    listed = "-A KUBE-SERVICES -d fd00::1/128 -j A\n-A KUBE-SERVICES -d fd00::1:2/128 -j B\n"
    assert found("iptables", {"ip6tables-save": listed}, "IPv6", "fd00::1") == [
        "all tables: -A KUBE-SERVICES -d fd00::1/128 -j A"
    ]


def test_nftables_rules_and_elements_are_found_but_not_chains_that_are_empty() -> None:
    front = [{"concat": ["10.96.1.2", "tcp", 80]}, {"goto": {"target": "x"}}]
    other = [{"concat": ["10.96.1.3", "tcp", 80]}, {"goto": {"target": "y"}}]
    chain = "service-A-team-a/web/tcp/http"
    listed = [
        {"metainfo": {"version": "1"}},
        {"chain": {"name": chain}},
        {"map": {"name": "service-ips", "elem": [front, other]}},
        {"set": {"name": "cluster-ips", "elem": ["10.96.1.2", "10.96.1.3"]}},
        {"rule": {"chain": chain, "expr": [{"drop": None}]}},
        {"rule": {"chain": "service-B-team-b/web/tcp/http", "expr": [{"drop": None}]}},
    ]
    seen = found("nftables", {"nft": json.dumps({"nftables": listed})})
    assert [entry.split()[1] for entry in seen] == ["service-ips", "cluster-ips", chain]
    assert found("nftables", {"nft": json.dumps({"nftables": listed[:2]})}) == []


def test_in_ipvs_mode_servers_and_sets_are_searched_too() -> None:
    printed = {"iptables-save": "", "ipvsadm": "TCP  10.96.1.2:80 rr\n", "ipset": "Members:\n10.96.1.2,tcp:80\n"}
    assert found("ipvs", printed) == ["servers: TCP  10.96.1.2:80 rr", "sets: 10.96.1.2,tcp:80"]


def test_a_tool_that_fails_is_our_error() -> None:
    with pytest.raises(ArrangementError, match="ipset list on n1: Operation not permitted"):
        found("ipvs", {"iptables-save": "", "ipvsadm": ""})
