"""The DNS probe and the recording DNS server, against each other and against silence."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from dns import message

from fixtures.observations import Outcome
from fixtures.probes import dns
from fixtures.servers import DnsRecorder, dns_recorder
from fixtures.vantages import NetnsVantage, Vantage
from tests.miniatures.dns import another_address, nowhere, server_failure, to_another_query, truncated
from tests.miniatures.ports import refusing_port, udp_server
from tests.vantages import HERE, every_vantage


@pytest.fixture
def recorder() -> Iterator[tuple[DnsRecorder, int]]:
    port = refusing_port()
    with dns_recorder(NetnsVantage(HERE), {"api.example.com": "192.0.2.7"}, port) as made:
        yield made, port


@every_vantage
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_answer_is_told_with_code_data_and_ttl(
    vantage: Vantage, tcp: bool, recorder: tuple[DnsRecorder, int]
) -> None:
    (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=recorder[1], tcp=tcp)
    assert (seen.outcome, seen.rcode, seen.answers, seen.ttls) == (Outcome.ANSWERED, "NOERROR", ["192.0.2.7"], [5])


@every_vantage
def test_a_name_that_does_not_exist_is_an_answer(vantage: Vantage, recorder: tuple[DnsRecorder, int]) -> None:
    (seen,) = dns(vantage, "www.example.org.", server="127.0.0.1", port=recorder[1])
    assert (seen.outcome, seen.rcode, seen.answers) == (Outcome.ANSWERED, "NXDOMAIN", [])


@every_vantage
def test_the_authority_section_is_told_with_the_ttl_of_its_records(vantage: Vantage) -> None:
    with udp_server(nowhere) as port:
        (seen,) = dns(vantage, "api.example.", server="127.0.0.1", port=port)
    assert (seen.rcode, seen.answers) == ("NXDOMAIN", [])
    assert seen.authority == ["example. 30 IN SOA ns.example. mail.example. 1 2 3 4 5"]


@every_vantage
@pytest.mark.parametrize("edns", [0, 4096])
def test_how_much_fits_into_a_datagram_is_said_by_edns_alone(vantage: Vantage, edns: int) -> None:
    heard: list[bytes] = []
    with udp_server(another_address, heard) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port, edns=edns)
    (query,) = (message.from_wire(wire) for wire in heard)
    assert (query.edns, query.payload) == ((0, edns) if edns else (-1, 0))
    assert seen.size == len(another_address(heard[0]))


@every_vantage
def test_an_existing_name_without_such_records_is_empty_not_missing(
    vantage: Vantage, recorder: tuple[DnsRecorder, int]
) -> None:
    (seen,) = dns(vantage, "api.example.com.", "AAAA", server="127.0.0.1", port=recorder[1])
    assert (seen.rcode, seen.answers) == ("NOERROR", [])


@every_vantage
def test_silence_is_a_time_out(vantage: Vantage) -> None:
    with udp_server(None) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port, timeout=0.3)
    assert seen.outcome is Outcome.TIMEOUT


@every_vantage
def test_a_wrong_answer_is_told_as_it_came(vantage: Vantage) -> None:
    with udp_server(another_address) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port)
    assert (seen.rcode, seen.answers, seen.ttls) == ("NOERROR", ["192.0.2.66"], [30])


@every_vantage
def test_a_truncated_answer_is_told_and_not_asked_for_again(vantage: Vantage) -> None:
    heard: list[bytes] = []
    with udp_server(truncated, heard) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port)
    assert (seen.outcome, seen.truncated, seen.answers) == (Outcome.ANSWERED, True, [])
    assert len(heard) == 1


@every_vantage
def test_a_failure_of_the_server_is_an_answer_and_not_asked_for_again(vantage: Vantage) -> None:
    heard: list[bytes] = []
    with udp_server(server_failure, heard) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port)
    assert (seen.outcome, seen.rcode) == (Outcome.ANSWERED, "SERVFAIL")
    assert len(heard) == 1


@every_vantage
def test_an_answer_to_another_query_is_none(vantage: Vantage) -> None:
    with udp_server(to_another_query) as port:
        (seen,) = dns(vantage, "api.example.com.", server="127.0.0.1", port=port, timeout=0.3)
    assert seen.outcome is Outcome.TIMEOUT


@every_vantage
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_server_that_is_not_there_refuses(vantage: Vantage, tcp: bool) -> None:
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    (seen,) = dns(vantage, "x.", server="127.0.0.1", port=refusing_port(kind), tcp=tcp, timeout=0.3)
    assert seen.outcome is Outcome.REFUSED
    assert seen.detail


@every_vantage
def test_every_query_is_recorded_once(vantage: Vantage, recorder: tuple[DnsRecorder, int]) -> None:
    made, port = recorder
    dns(vantage, "api.example.com.", server="127.0.0.1", port=port, count=3)
    dns(vantage, "api.example.com.", "AAAA", server="127.0.0.1", port=port)
    assert [(query.name, query.record) for query in made.queries] == [
        *[("api.example.com.", "A")] * 3,
        ("api.example.com.", "AAAA"),
    ]
    made.forget()
    assert made.queries == []


def test_a_place_has_no_search_list() -> None:
    with pytest.raises(ValueError, match="name a server"):
        dns(NetnsVantage(HERE), "web")
