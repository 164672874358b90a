"""Ports that refuse, and servers that stay silent."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def refusing_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port where nothing listens."""
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def udp_server(
    reply: bytes | Callable[[bytes], bytes] | None,
    heard: list[bytes] | None = None,
    sources: list[int] | None = None,
) -> Iterator[int]:
    """A UDP server that answers each datagram with ``reply``, or what that makes of it; None: it stays silent.

    What it hears is added to ``heard``, and the port that it comes from to ``sources``.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    datagram, sender = server.recvfrom(2048)
                except TimeoutError:
                    continue
                if heard is not None:
                    heard.append(datagram)
                if sources is not None:
                    sources.append(sender[1])
                if reply is not None:
                    server.sendto(reply(datagram) if callable(reply) else reply, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


@contextmanager
def tcp_server(reply: bytes | None) -> Iterator[int]:
    """A TCP server that answers what it first hears with ``reply``; None: it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    connection.recv(2048)
                    if reply is not None:
                        connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


@contextmanager
def tcp_conversations(serve: Callable[[socket.socket], None], certificate: Path | None = None) -> Iterator[int]:
    """A TCP server that has a conversation with each client; with TLS (ALPN: h2) where there is a ``certificate``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2"])

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client has gone
                peer = context.wrap_socket(self.request, server_side=True) if certificate else self.request
                serve(peer)
                peer.close()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
