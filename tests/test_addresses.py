"""What is read out of a node's own listings of its addresses, by a node whose ``ip`` prints fixed listings."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from fixtures.addresses import address_towards, addresses_of
from fixtures.vantages import CommandVantage
from fixtures.verdicts import ArrangementError
from fixtures.whole import Completed
from tests.vantages import HERE

ROUTE = [{"dst": "10.244.1.3", "dev": "cni0", "prefsrc": "10.244.1.1", "flags": [], "cache": []}]
LINKS = [
    {"ifname": "kube-ipvs0", "addr_info": [{"family": "inet", "local": "10.96.0.10", "scope": "global"}]},
    {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "scope": "host"}]},
    {},
    {
        "ifname": "cni0",
        "addr_info": [
            {"family": "inet6", "local": "fe80::1", "scope": "link"},
            {"family": "inet", "local": "10.244.1.1", "scope": "global"},
            {"family": "inet", "local": "10.244.1.9", "scope": "global"},
        ],
    },
]


class Node(CommandVantage):
    """Tells of its links as iproute2 does, and of nothing where it is told to fail."""

    def __init__(self, failing: bool = False) -> None:
        super().__init__(HERE)
        self.failing = failing

    def exec(self, argv: Sequence[str], *, timeout: float = 30.0) -> Completed:
        if self.failing:
            return Completed(status=1, stdout="", stderr="Error: inet prefix is expected\n")
        told = ROUTE if "route" in argv else LINKS[-1:] if "dev" in argv else LINKS
        return Completed(status=0, stdout=json.dumps(told), stderr="")


def test_a_node_masquerades_with_the_first_global_address_of_the_interface() -> None:
    assert address_towards(Node(), "10.244.1.3") == "10.244.1.1"


def test_only_addresses_of_its_own_that_others_may_know_are_listed() -> None:
    assert addresses_of(Node(), "IPv4") == ["10.244.1.1", "10.244.1.9"]


def test_a_node_that_does_not_tell_is_our_error() -> None:
    with pytest.raises(ArrangementError, match="inet prefix is expected"):
        addresses_of(Node(failing=True), "IPv4")
