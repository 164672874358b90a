"""A host that publishes releases, or does it wrongly: truncated, changed on the way, gone, or stuck halfway."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ReleaseHost:
    """What it serves, and what it was asked for."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.files: dict[str, bytes] = {}
        self.truncated: dict[str, int] = {}
        """Path → how many bytes come before the connection ends."""
        self.failures: dict[str, int] = {}
        """Path → how often it answers 503 first."""
        self.asked: list[str] = []
        self.stuck: set[str] = set()
        """Paths whose second half never comes."""
        self.halfway = threading.Event()
        """Somebody has got half of a stuck file."""
        self.closing = threading.Event()


@contextlib.contextmanager
def release_host() -> Iterator[ReleaseHost]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            host.asked.append(self.path)
            content = host.files.get(self.path)
            if host.failures.get(self.path, 0):
                host.failures[self.path] -= 1
                self.send_error(503)
                return
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.path in host.stuck:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                host.halfway.set()
                host.closing.wait(30)
                return
            self.wfile.write(content[: host.truncated.get(self.path, len(content))])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = ReleaseHost(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.closing.set()
        server.shutdown()
        server.server_close()
