"""resolv.conf and SRV records, read."""

from __future__ import annotations

from fixtures.dns_text import Resolver, ports_and_targets, resolver
from fixtures.observations import DnsObservation, Outcome


def test_a_resolv_conf_is_read_as_the_manual_page_says() -> None:
    text = """\
# a comment
; another
search replaced.example
nameserver 10.96.0.10
nameserver 192.0.2.1
search ns.svc.cluster.local svc.cluster.local
options ndots:5
options edns0 timeout:2
"""
    assert resolver(text) == Resolver(
        ["10.96.0.10", "192.0.2.1"], ["ns.svc.cluster.local", "svc.cluster.local"], {"ndots:5", "edns0", "timeout:2"}
    )
    assert resolver("") == Resolver([], [], set())
    assert resolver("options ndots:2") != resolver("options ndots:5")


def test_srv_records_give_port_and_target_in_order() -> None:
    answer = DnsObservation(
        vantage="pod",
        target="dns://10.96.0.10/_http._tcp.web/SRV",
        at=0,
        seconds=0,
        outcome=Outcome.ANSWERED,
        answers=["0 50 8080 b.web.ns.svc.cluster.local.", "0 50 8080 A.web.ns.svc.cluster.local."],
    )
    assert ports_and_targets(answer) == [(8080, "a.web.ns.svc.cluster.local."), (8080, "b.web.ns.svc.cluster.local.")]
