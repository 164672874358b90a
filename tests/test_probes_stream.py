"""TCP and UDP exchanges: answered, refused, silent, hung up."""

from __future__ import annotations

import socket
import time
from itertools import pairwise

import pytest

from fixtures.observations import Outcome
from fixtures.probes import tcp, udp
from fixtures.probes.repeated import repeated
from fixtures.vantages import CommandVantage, Vantage
from fixtures.verdicts import ArrangementError
from tests.miniatures.ports import refusing_port, tcp_server, udp_server
from tests.vantages import HERE, every_vantage


@every_vantage
def test_a_datagram_comes_back(vantage: Vantage) -> None:
    with udp_server(b"pod-a") as port:
        (seen,) = udp(vantage, "127.0.0.1", port, "hostname")
    assert (seen.outcome, seen.reply) == (Outcome.ANSWERED, "pod-a")


@every_vantage
def test_exactly_the_payload_is_sent_once_each_time(vantage: Vantage) -> None:
    heard: list[bytes] = []
    began = time.time()
    with udp_server(b"pod-a", heard) as port:
        seen = udp(vantage, "127.0.0.1", port, "it's $HOME", count=3)
    assert heard == [b"it's $HOME"] * 3
    assert [one.at for one in seen] == sorted(one.at for one in seen)
    assert all(one.at + one.seconds <= after.at + 0.02 for one, after in pairwise(seen))
    assert all(began - 0.02 <= one.at <= time.time() for one in seen)


@every_vantage
def test_datagrams_come_from_the_port_that_is_asked_for(vantage: Vantage) -> None:
    sources: list[int] = []
    free = refusing_port(socket.SOCK_DGRAM)
    with udp_server(b"pod-a", sources=sources) as port:
        seen = udp(vantage, "127.0.0.1", port, "hostname", count=3, source_port=free)
    assert [one.reply for one in seen] == ["pod-a"] * 3
    assert sources == [free] * 3


@every_vantage
def test_a_silent_server_is_a_time_out(vantage: Vantage) -> None:
    with udp_server(None) as port:
        (seen,) = udp(vantage, "127.0.0.1", port, "hostname", timeout=0.3)
    assert seen.outcome is Outcome.TIMEOUT


@every_vantage
def test_a_closed_udp_port_refuses(vantage: Vantage) -> None:
    (seen,) = udp(vantage, "127.0.0.1", refusing_port(socket.SOCK_DGRAM), "hostname", timeout=0.3)
    assert seen.outcome is Outcome.REFUSED


@every_vantage
def test_a_tcp_reply_comes_back(vantage: Vantage) -> None:
    with tcp_server(b"pod-a") as port:
        (seen,) = tcp(vantage, "127.0.0.1", port, "hostname")
    assert (seen.outcome, seen.reply) == (Outcome.ANSWERED, "pod-a")


@every_vantage
def test_a_server_that_hangs_up_has_not_answered(vantage: Vantage) -> None:
    with tcp_server(None) as port:
        (seen,) = tcp(vantage, "127.0.0.1", port, "hostname")
    assert seen.outcome is Outcome.RESET


@every_vantage
def test_a_closed_tcp_port_refuses(vantage: Vantage) -> None:
    (seen,) = tcp(vantage, "127.0.0.1", refusing_port(), "hostname")
    assert seen.outcome is Outcome.REFUSED


@every_vantage
def test_a_bare_connection_is_an_answer(vantage: Vantage) -> None:
    with tcp_server(b"x") as port:
        (seen,) = tcp(vantage, "127.0.0.1", port)
    assert seen.outcome is Outcome.ANSWERED


def test_a_tool_that_is_not_there_or_is_another_is_our_error_and_no_observation() -> None:
    here = CommandVantage(HERE)
    with pytest.raises(ArrangementError, match="cannot be run there"):
        repeated(here, ["no-such-netcat"], 1, each=30)
    with pytest.raises(ArrangementError, match="invalid option"):
        repeated(here, ["sh", "-c", "echo \"nc: invalid option -- 'n'\" >&2; exit 1"], 1, each=30)
