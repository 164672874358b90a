"""HTTP servers, each wrong in one way."""

from __future__ import annotations

import contextlib
import itertools
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Behaviour = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int = 200, body: str = "pod-a", headers: dict[str, str] | None = None) -> Behaviour:
    """Answer properly."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def mirror(handler: BaseHTTPRequestHandler) -> None:
    """Answer what netexec's /clientip answers, and the Host header as a header of the answer."""
    host, port = handler.client_address[:2]
    reply(body=f"{host}:{port}", headers={"Seen-Host": handler.headers["Host"]})(handler)


def close_early(handler: BaseHTTPRequestHandler) -> None:
    """Hang up instead of answering."""
    handler.close_connection = True


def told_request(handler: BaseHTTPRequestHandler) -> None:
    """Answer with the request line and headers as they came; of two headers of one name, the second counts."""
    lines = [handler.requestline, *(f"{name}: {value}" for name, value in handler.headers.items())]
    body = "\n".join(lines).encode()
    handler.send_response(200)
    handler.send_header("Seen", "first")
    handler.send_header("Seen", "second")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def two_cookies(handler: BaseHTTPRequestHandler) -> None:
    """Answer with two headers of one name, none of which may be lost."""
    handler.send_response(200)
    handler.send_header("Set-Cookie", "a=1; Path=/")
    handler.send_header("Set-Cookie", "b=2")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def half(handler: BaseHTTPRequestHandler) -> None:
    """Hang up in the middle of the body."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"pod-")
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Never end: a byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    gone = threading.Event()
    with contextlib.suppress(OSError):
        while not gone.wait(0.05):
            handler.wfile.write(b".")


def chunked(*parts: str) -> Behaviour:
    """Answer in chunks, the last with a trailer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in parts:
            handler.wfile.write(f"{len(part.encode()):x};told=yes\r\n{part}\r\n".encode())
        handler.wfile.write(b"0\r\nTold: late\r\n\r\n")

    return answer


def babble(handler: BaseHTTPRequestHandler) -> None:
    """Answer with what is no HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    handler.close_connection = True


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Never answer: wait until the client is gone."""
    handler.rfile.read(1)


def alternate(*behaviours: Behaviour) -> Behaviour:
    """Behave in turn."""
    turns = itertools.cycle(behaviours)

    def behave(handler: BaseHTTPRequestHandler) -> None:
        next(turns)(handler)

    return behave


@contextmanager
def http_server(
    behave: Behaviour, *, certificate: Path | None = None, asked: Callable[[str | None], None] | None = None
) -> Iterator[int]:
    """Serve on loopback and give the port; with a certificate (PEM with its key) by TLS.

    ``asked`` is told the server name that each client asks for by TLS.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            behave(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if asked:
            context.sni_callback = lambda _connection, name, _context: asked(name)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
