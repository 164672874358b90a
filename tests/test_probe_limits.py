"""What checks of limits are sent with: bodies of a size, and requests at a pace."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fixtures.probes import http
from fixtures.probes.paced import http_paced
from fixtures.vantages import CommandVantage, NetnsVantage, Vantage
from tests.vantages import HERE, every_vantage


class Limiting(BaseHTTPRequestHandler):
    """Refuses what is larger than eight bytes without reading it; tells the size and the type of the rest."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200, "")

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        if size > 8:
            self.close_connection = True
            self.answer(413, "")
        else:
            body = self.rfile.read(size).decode()
            self.answer(200, f"{body} {self.headers['Content-Type']} {self.headers.get('Expect', '')}")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Limiting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@every_vantage
def test_a_body_is_sent_as_it_is(vantage: Vantage) -> None:
    with serving() as port:
        (seen,) = http(vantage, f"http://127.0.0.1:{port}/", method="POST", body="@a=b&c%\n"[:8], timeout=20)
    assert (seen.status, seen.body.split()) == (200, ["@a=b&c%", "application/octet-stream"])


@every_vantage
def test_a_refusal_is_heard_although_the_body_was_not_read(vantage: Vantage) -> None:
    with serving() as port:
        seen = http(vantage, f"http://127.0.0.1:{port}/", method="POST", body="x" * 9, count=20, timeout=20)
    assert {one.status for one in seen} == {413}


def test_requests_come_at_the_pace_and_one_after_the_other() -> None:
    with serving() as port:
        seen = http_paced(NetnsVantage(HERE), f"http://127.0.0.1:{port}/", rate=50, seconds=0.4)
    assert 2 <= len(seen) <= 20
    assert all(one.status == 200 for one in seen)
    assert all(after.at >= before.at + before.seconds for before, after in itertools.pairwise(seen))
    assert seen[-1].at - seen[0].at >= (len(seen) - 1) / 50 - 0.02


def test_a_pace_takes_a_network_that_can_be_entered() -> None:
    elsewhere = CommandVantage(HERE)
    with pytest.raises(pytest.skip.Exception, match="cannot be entered"):
        http_paced(elsewhere, "http://127.0.0.1/", rate=1, seconds=1)
