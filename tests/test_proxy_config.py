"""At which of a node's addresses node ports answer, by kube-proxy's mode and configuration."""

from __future__ import annotations

import pytest

from fixtures.proxy_config import IptablesConfig, ProxyConfig, node_port_addresses

OWN = ["172.30.0.11", "10.244.1.1", "127.0.0.1"]
OWN_6 = ["fd00:172:30::11", "fd00:10:244:1::1", "::1"]


@pytest.mark.parametrize(
    ("mode", "asked", "own", "answering"),
    [
        ("iptables", None, OWN, OWN),
        ("iptables", [], OWN_6, OWN_6[:2]),
        ("ipvs", None, OWN, OWN[:2]),
        ("nftables", None, OWN, OWN[:1]),
        ("nftables", ["primary"], OWN_6, OWN_6[:1]),
        ("iptables", ["primary"], OWN, OWN[:1]),
        ("nftables", ["0.0.0.0/0"], OWN, OWN[:2]),
        ("iptables", ["10.0.0.0/8"], OWN, OWN[1:2]),
        ("iptables", ["127.0.0.0/8"], OWN, OWN[2:]),
        ("iptables", ["10.0.0.0/8"], OWN_6, OWN_6[:2]),
    ],
)
def test_node_ports_answer_where_mode_and_configuration_say(
    mode: str, asked: list[str] | None, own: list[str], answering: list[str]
) -> None:
    assert node_port_addresses(ProxyConfig(node_port_addresses=asked), mode, own[0], own) == answering


def test_iptables_mode_leaves_the_loopback_alone_where_it_is_told_so() -> None:
    config = ProxyConfig(iptables=IptablesConfig(localhost_node_ports=False))
    assert node_port_addresses(config, "iptables", OWN[0], OWN) == OWN[:2]
