"""Evidence is bounded in size and time, and tells why what is missing is missing."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures import evidence, timeouts
from fixtures.observations import HttpObservation, Outcome


@pytest.fixture(autouse=True)
def _hurry() -> Any:
    timeouts.stretch(0.02)
    yield
    timeouts.stretch(1.0)


def gather(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *jobs: Any) -> dict[str, str]:
    """Title → what was written."""
    monkeypatch.setattr(
        evidence, "jobs", lambda *_: [(f"job {number}", f"{number}.txt", job) for number, job in enumerate(jobs)]
    )
    nothing: Any = None
    found = evidence.collect(nothing, nothing, [], tmp_path, Path("evidence", "cell", "test"))
    return {item.title: (tmp_path / item.path).read_text() for item in found}


def test_what_cannot_be_had_is_told_and_the_rest_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = gather(monkeypatch, tmp_path, lambda: "objects", lambda: 1 / 0, lambda: "", lambda: "events")
    assert found == {
        "job 0": "objects",
        "job 1": "could not be had: ZeroDivisionError: division by zero",
        "job 3": "events",
    }


def test_all_of_it_together_has_one_time_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    end = threading.Event()
    began = time.monotonic()
    try:
        found = gather(monkeypatch, tmp_path, *[end.wait] * 5, lambda: "quick")
    finally:
        end.set()
    assert time.monotonic() - began < 2
    assert found["job 0"] == "could not be had within 0.4 s"
    assert found["job 5"] == "quick"


def test_long_texts_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = gather(monkeypatch, tmp_path, lambda: "x" * (evidence.LIMIT + 7))
    assert len(found["job 0"]) < evidence.LIMIT + 100
    assert "7 further characters were left out" in found["job 0"]


def test_every_attempt_is_a_line_with_all_its_facts() -> None:
    seen = HttpObservation(
        vantage="v", target="t", at=1.0, seconds=0.1, outcome=Outcome.ANSWERED, status=404, body="a\nb"
    )
    first, second = evidence.attempts([seen, seen]).splitlines()
    assert json.loads(first) == json.loads(second)
    assert (json.loads(first)["status"], json.loads(first)["body"]) == (404, "a\nb")


IPTABLES = """\
*nat
:KUBE-SVC-AAAA - [0:0]
:KUBE-SEP-BBBB - [0:0]
:KUBE-SVC-CCCC - [0:0]
-A KUBE-SERVICES -d 10.96.0.1/32 -m comment --comment "rt-x/web:http cluster IP" -j KUBE-SVC-AAAA
-A KUBE-SERVICES -d 10.96.0.2/32 -m comment --comment "other/web:http cluster IP" -j KUBE-SVC-CCCC
-A KUBE-SVC-AAAA -m comment --comment "rt-x/web:http -> 10.244.1.2:8080" -j KUBE-SEP-BBBB
-A KUBE-SEP-BBBB -p tcp -j DNAT --to-destination 10.244.1.2:8080
"""

NFTABLES = """\
table ip kube-proxy {
\tmap service-ips {
\t\telements = {
\t\t\t10.96.0.1 . tcp . 80 comment "rt-x/web:http" : goto service-AAAA-rt-x/web/tcp/http,
\t\t\t10.96.0.2 . tcp . 80 comment "other/web:http" : goto service-CCCC-other/web/tcp/http }
\t}

\tchain service-AAAA-rt-x/web/tcp/http {
\t\tnumgen random mod 1 vmap { 0 : goto endpoint-BBBB-rt-x/web/tcp/http__10.244.1.2/8080 }
\t}

\tchain service-CCCC-other/web/tcp/http {
\t}
}
"""


class Tools:
    """A node whose tools say what is laid down here."""

    name = "n1"

    def exec(self, argv: list[str], *, timeout: float = 0.0) -> Any:
        texts = {"iptables-save": IPTABLES, "nft": NFTABLES, "ipvsadm": "IP Virtual Server"}
        return type("Done", (), {"stdout": texts[argv[0]]})


@pytest.mark.parametrize(
    ("mode", "there"),
    [("iptables", ["KUBE-SVC-AAAA", "10.244.1.2:8080"]), ("nftables", ["10.96.0.1", "endpoint-BBBB"])],
)
def test_a_nodes_rules_are_cut_to_the_checks_services(mode: str, there: list[str]) -> None:
    tools: Any = Tools()
    told = evidence.rules(mode, tools, ["rt-x"], ["IPv4"])
    assert all(words in told for words in there)
    assert "other" not in told
    assert evidence.rules(mode, tools, [], ["IPv4"]) == ""


@pytest.mark.parametrize(
    ("mode", "commands"),
    [
        ("iptables", ["iptables-save", "ip6tables-save"]),
        ("nftables", ["nft list table ip kube-proxy", "nft list table ip6 kube-proxy"]),
        ("ipvs", ["ipvsadm -Ln"]),
    ],
)
def test_rules_of_every_family_are_told(mode: str, commands: list[str]) -> None:
    asked: list[str] = []

    class Asked(Tools):
        def exec(self, argv: list[str], *, timeout: float = 0.0) -> Any:
            asked.append(" ".join(argv))
            return super().exec([argv[0].replace("ip6", "ip")])

    tools: Any = Asked()
    assert "rt-x" in evidence.rules(mode, tools, ["rt-x"], ["IPv4", "IPv6"]) or mode == "ipvs"
    assert asked == commands
