"""The servers of the outside host tell what reached them, and survive whatever is sent to them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from dns import message

from fixtures.certificates import self_signed
from fixtures.observations import Outcome
from fixtures.probes import dns, http, tcp, udp
from fixtures.servers import DnsRecorder, dns_recorder, echo_server, web_server
from fixtures.vantages import NetnsVantage
from tests.miniatures.ports import refusing_port
from tests.vantages import HERE

HOST = NetnsVantage(HERE)


@pytest.fixture
def recorder() -> Iterator[tuple[DnsRecorder, int]]:
    port = refusing_port()
    with dns_recorder(HOST, {"api.example.com": "192.0.2.7"}, port) as made:
        yield made, port


@pytest.mark.parametrize(
    "junk", [b"", b"x", b"\x00" * 12, b"\xff" * 40], ids=["nothing", "short", "no question", "noise"]
)
def test_a_recorder_survives_what_is_no_query(junk: bytes, recorder: tuple[DnsRecorder, int]) -> None:
    made, port = recorder
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(junk, ("127.0.0.1", port))
    (seen,) = dns(HOST, "api.example.com.", server="127.0.0.1", port=port)
    assert seen.answers == ["192.0.2.7"]
    assert [query.name for query in made.queries] == ["api.example.com."]
    assert made.queries[0].source == "127.0.0.1"


def test_an_idle_connection_keeps_nobody_waiting_and_one_may_ask_twice(recorder: tuple[DnsRecorder, int]) -> None:
    _, port = recorder
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as busy:
        for _ in range(2):
            wire = message.make_query("api.example.com.", "A").to_wire()
            busy.sendall(len(wire).to_bytes(2) + wire)
            length = int.from_bytes(busy.recv(2))
            assert message.from_wire(busy.recv(length)).answer[0][0].to_text() == "192.0.2.7"


def test_names_can_be_added_while_it_serves(recorder: tuple[DnsRecorder, int]) -> None:
    made, port = recorder
    made.answers["new.example.com."] = "192.0.2.8"
    (seen,) = dns(HOST, "NEW.example.com.", server="127.0.0.1", port=port)
    assert seen.answers == ["192.0.2.8"]


def test_the_web_server_tells_what_reached_it() -> None:
    with web_server(HOST) as server:
        (seen,) = http(HOST, f"http://shop.example:{server.port}/a?b", address="127.0.0.1", headers={"X-Test": "1"})
    told = json.loads(seen.body)
    assert (told["server"], told["client"], told["path"]) == ("outside", "127.0.0.1", "/a?b")
    assert (told["host"], told["headers"]["x-test"], told["server_name"]) == (f"shop.example:{server.port}", "1", "")


def test_the_web_server_tells_the_name_that_tls_asked_for() -> None:
    certificate = self_signed("shop.example")
    with web_server(HOST, certificate=certificate) as server:
        url = f"https://shop.example:{server.port}/"
        (seen,) = http(HOST, url, address="127.0.0.1", ca=certificate.certificate)
        (bare,) = http(HOST, f"https://127.0.0.1:{server.port}/")
        (plain,) = http(HOST, f"http://127.0.0.1:{server.port}/")
    assert (json.loads(seen.body)["server_name"], seen.certificate) == ("shop.example", certificate.certificate)
    assert json.loads(bare.body)["server_name"] == ""
    assert not plain.answered


def test_an_echo_comes_back_on_both_protocols() -> None:
    with echo_server(HOST) as port:
        seen = [*tcp(HOST, "127.0.0.1", port, "hello", count=2), *udp(HOST, "127.0.0.1", port, "hello", count=2)]
    assert [one.reply for one in seen] == ["hello"] * 4
    (gone,) = tcp(HOST, "127.0.0.1", port, "hello")
    assert gone.outcome is Outcome.REFUSED
