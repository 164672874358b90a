"""The probe on kept connections, against servers that keep, close politely, and close without a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from clusters.provider import Place
from fixtures.observations import Outcome
from fixtures.probes.kept import SENT_AGAIN, http_kept
from fixtures.vantages import NetnsVantage

HERE = NetnsVantage(Place(name="here", role="client", address="127.0.0.1", here=True))


class Server:
    """Answers every request, and then keeps or closes as told."""

    def __init__(self, *, announce_close: bool, close: bool) -> None:
        self.announce_close = announce_close
        self.close = close
        self.accepted = 0
        self.requests: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                self.requests.append(data.decode())
                words = "Connection: close\r\n" if self.announce_close else ""
                connection.sendall(f"HTTP/1.1 200 OK\r\n{words}Content-Length: 2\r\n\r\nok".encode())
                if self.close:
                    return


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(**request.param)
    yield made
    made.listener.close()


@pytest.mark.parametrize("server", [{"announce_close": False, "close": False}], indirect=True, ids=["keeps"])
def test_requests_take_turns_on_kept_connections(server: Server) -> None:
    url = f"http://shop.example:{server.port}/a?b=c"
    seen = http_kept(HERE, url, address="127.0.0.1", headers={"X-A": "1"}, count=10, connections=2)
    assert [one.outcome for one in seen] == [Outcome.ANSWERED] * 10
    assert {one.body for one in seen} == {"ok"}
    assert server.accepted == 2
    assert server.requests[0].startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: shop.example:{server.port}" in server.requests[0]
    assert "X-A: 1" in server.requests[0]


@pytest.mark.parametrize("server", [{"announce_close": True, "close": True}], indirect=True, ids=["closes-politely"])
def test_a_connection_that_is_closed_politely_is_opened_anew(server: Server) -> None:
    seen = http_kept(HERE, f"http://127.0.0.1:{server.port}/", count=4, connections=1)
    assert [one.outcome for one in seen] == [Outcome.ANSWERED] * 4
    assert server.accepted == 4


@pytest.mark.parametrize("server", [{"announce_close": False, "close": True}], indirect=True, ids=["closes-silently"])
def test_a_request_that_meets_a_silent_close_is_told_and_not_sent_again(server: Server) -> None:
    seen = http_kept(HERE, f"http://127.0.0.1:{server.port}/", count=4, connections=1)
    assert [one.outcome for one in seen].count(Outcome.RESET) == 2
    assert len(server.requests) <= 3


@pytest.mark.parametrize("server", [{"announce_close": False, "close": True}], indirect=True, ids=["closes-silently"])
def test_where_shares_are_judged_it_is_sent_once_more_and_says_so(server: Server) -> None:
    seen = http_kept(HERE, f"http://127.0.0.1:{server.port}/", count=4, connections=1, send_again=True)
    assert [one.outcome for one in seen] == [Outcome.ANSWERED] * 4
    assert [one.detail.startswith(SENT_AGAIN) for one in seen] == [False, True, True, True]


def test_a_refused_connection_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    seen = http_kept(HERE, f"http://127.0.0.1:{port}/", count=2)
    assert [one.outcome for one in seen] == [Outcome.REFUSED] * 2


def test_https_is_not_for_this_probe() -> None:
    with pytest.raises(ValueError, match="http URLs"):
        http_kept(HERE, "https://127.0.0.1/", count=1)
