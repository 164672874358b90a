"""At which of a node's addresses node ports answer, by kube-proxy's mode and configuration."""

from __future__ import annotations

import pytest

from fixtures import proxy_config
from fixtures.observations import HttpObservation, Outcome
from fixtures.proxy_config import IptablesConfig, ProxyConfig, node_port_addresses
from fixtures.timeouts import stretch
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import Mismatch
from tests.vantages import HERE

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


def answering(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> None:
    """kube-proxy answers with one status after the other."""
    left = list(statuses)

    def http(_node: object, url: str) -> list[HttpObservation]:
        status = left.pop(0) if len(left) > 1 else left[0]
        body = '{"kubeproxy.config.k8s.io": {"mode": "nftables"}}' if status == 200 else ""
        outcome = Outcome.ANSWERED if status else Outcome.REFUSED
        return [HttpObservation(vantage="n1", target=url, at=0, seconds=0, outcome=outcome, status=status, body=body)]

    monkeypatch.setattr(proxy_config, "http", http)


@pytest.mark.parametrize("status", [0, 404])
def test_who_never_told_its_configuration_is_not_judged(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    answering(monkeypatch, status)
    with pytest.raises(pytest.skip.Exception, match="does not tell its configuration"):
        proxy_config.proxy_config(NetnsVantage(HERE))


def test_who_told_it_before_is_waited_for_and_fails_where_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0, 0, 200)
    assert proxy_config.proxy_config(NetnsVantage(HERE), told_before=True).mode == "nftables"
    answering(monkeypatch, 0)
    stretch(0.005)
    try:
        with pytest.raises(Mismatch, match="to tell its configuration"):
            proxy_config.proxy_config(NetnsVantage(HERE), told_before=True)
    finally:
        stretch(1.0)
