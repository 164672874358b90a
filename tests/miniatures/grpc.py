"""A gRPC server over HTTP/2: it answers as the echo backend does, or with the status that it is told."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from tests.miniatures.ports import tcp_conversations


def field(number: int, value: bytes) -> bytes:
    """A field of a message, as protocol buffers write it; its length must fit two bytes."""
    length = bytes([len(value)]) if len(value) < 128 else bytes([len(value) & 0x7F | 0x80, len(value) >> 7])
    return bytes([number << 3 | 2]) + length + value


def echo(headers: dict[str, str], service: str) -> bytes:
    """An EchoResponse. https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/conformance/echo-basic/grpcecho.proto"""
    told = [field(1, headers[":path"].encode()), field(3, headers[":authority"].encode())]
    told += [field(2, field(1, name.encode()) + field(2, value.encode())) for name, value in headers.items()]
    told.append(field(4, field(1, b"namespace") + field(3, service.encode()) + field(4, b"pod-1")))
    return field(1, b"".join(told))


@contextmanager
def grpc_server(
    *,
    service: str = "echo",
    status: int = 0,
    http_status: int = 200,
    text: str = "",
    cut: bool = False,
    certificate: Path | None = None,
) -> Iterator[int]:
    """Give its port.

    Args:
        service: the backend that it says it is.
        status: ``grpc-status`` of its answers; below 0: none, as of a server that is not gRPC's.
        http_status: of its answers.
        text: answer with this instead, as a server of web pages does.
        cut: hang up in the middle of the answer.
        certificate: speak TLS with this.
    """

    def serve(peer: socket.socket) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        asked: dict[str, str] = {}
        while True:
            peer.sendall(connection.data_to_send())
            received = peer.recv(65536)
            if not received:
                return
            for event in connection.receive_data(received):
                if isinstance(event, RequestReceived):
                    asked = {str(name): str(value) for name, value in event.headers or []}
                elif isinstance(event, StreamEnded):
                    body = echo(asked, service)
                    data = text.encode() or b"\0" + struct.pack(">I", len(body)) + body
                    connection.send_headers(1, [(":status", str(http_status)), ("content-type", "application/grpc")])
                    connection.send_data(1, data, end_stream=status < 0)
                    if status >= 0 and not cut:
                        trailers = [("grpc-status", str(status)), ("grpc-message", "as told")]
                        connection.send_headers(1, trailers, end_stream=True)
                    peer.sendall(connection.data_to_send())
                    if cut:
                        return

    with tcp_conversations(serve, certificate) as port:
        yield port
