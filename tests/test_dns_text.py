"""resolv.conf and SRV records, read."""

from __future__ import annotations

from fixtures.dns_text import Resolver, denial, ports_and_targets, resolver
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


def denying(*authority: str) -> DnsObservation:
    return DnsObservation(
        vantage="pod",
        target="dns://10.96.0.10/nothing/A",
        at=0,
        seconds=0,
        outcome=Outcome.ANSWERED,
        rcode="NXDOMAIN",
        authority=list(authority),
    )


def test_a_denial_holds_for_the_lesser_of_its_soas_ttl_and_minimum() -> None:
    (one, other) = (f"Example. {ttl} IN SOA ns.example. mail.example. 1 7200 1800 86400 30" for ttl in (5, 3600))
    found = [denial(denying(one)), denial(denying(other))]
    assert [(seen.zone, seen.seconds) for seen in found if seen] == [("example.", 5), ("example.", 30)]


def test_without_one_soa_record_it_is_not_known_for_how_long_a_denial_holds() -> None:
    soa = "example. 5 IN SOA ns.example. mail.example. 1 7200 1800 86400 30"
    assert [denial(denying()), denial(denying("example. 5 IN NS ns.example.")), denial(denying(soa, soa))] == [None] * 3
