"""HTTP behind a PROXY protocol header: what a server reads of it, of either version and family, and of none."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from clusters.provider import Place
from fixtures.observations import Outcome
from fixtures.probes.proxied import SIGNATURE, http_proxied, version_1, version_2
from fixtures.vantages import NetnsVantage
from tests.miniatures.ports import tcp_conversations

HERE = NetnsVantage(Place(name="here", role="client", address="127.0.0.1", here=True))
CLIENT = "192.0.2.7"


def read(begin: bytes) -> tuple[str, str]:
    """Version and client that a connection's first bytes tell, as sections 2.1 and 2.2 have them; else nothing."""
    if begin.startswith(b"PROXY TCP4 "):
        return "v1", begin.split(b" ")[2].decode()
    if begin.startswith(SIGNATURE) and begin[12:14] == b"\x21\x11":
        return "v2", str(ipaddress.ip_address(begin[16:20]))
    return "", ""


def serve(peer: socket.socket) -> None:
    """Answer with what the PROXY header told, or hang up where there is none."""
    told = peer.recv(65536)
    version, client = read(told)
    if version and b"GET /path HTTP/1.1\r\nHost: shop.example\r\n" in told:
        body = f"{version} {client}".encode()
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Told: yes\r\n\r\n%s" % (len(body), body))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_header_goes_before_the_request(version: str) -> None:
    with tcp_conversations(serve) as port:
        url = f"http://shop.example:{port}/path"
        seen = http_proxied(HERE, url, address="127.0.0.1", version=version, client=CLIENT)
    assert (seen.outcome, seen.status, seen.body) == (Outcome.ANSWERED, 200, f"{version} {CLIENT}")
    assert seen.headers["x-told"] == "yes"
    assert CLIENT in seen.target


def test_a_server_that_hangs_up_is_seen() -> None:
    with tcp_conversations(lambda _peer: None) as port:
        seen = http_proxied(HERE, f"http://shop.example:{port}/", address="127.0.0.1", version="v1", client=CLIENT)
    assert seen.outcome is Outcome.RESET


def test_both_families_are_written_as_the_protocol_says() -> None:
    assert version_1("2001:db8::7", "2001:db8::1", 80) == b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 80\r\n"
    four, six = version_2(CLIENT, "192.0.2.1", 80), version_2("2001:db8::7", "2001:db8::1", 80)
    assert (four[12:16], len(four)) == (b"\x21\x11\x00\x0c", 28)
    assert (six[12:16], len(six)) == (b"\x21\x21\x00\x24", 52)
    assert four[16:] == bytes([192, 0, 2, 7, 192, 0, 2, 1]) + (40000).to_bytes(2) + (80).to_bytes(2)
