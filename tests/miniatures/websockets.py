"""A websocket server: it echoes, hangs up when nobody speaks, or refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, Request, TextMessage

from tests.miniatures.ports import tcp_conversations


@contextmanager
def websocket_server(*, idle: float | None = None, status: int = 101, proper_end: bool = True) -> Iterator[int]:
    """Give its port.

    Args:
        idle: hang up after so many seconds of silence.
        status: refuse with another status than 101.
        proper_end: say so before it hangs up (a close frame).
    """

    def serve(peer: socket.socket) -> None:
        peer.settimeout(idle)
        connection = WSConnection(ConnectionType.SERVER)
        while True:
            try:
                received = peer.recv(65536)
            except TimeoutError:
                if proper_end:
                    peer.sendall(connection.send(CloseConnection(code=1000)))
                return
            if not received:
                return
            connection.receive_data(received)
            for event in connection.events():
                if isinstance(event, Request) and status != 101:
                    peer.sendall(connection.send(RejectConnection(status_code=status, headers=[(b"x-why", b"no")])))
                    return
                if isinstance(event, Request):
                    peer.sendall(connection.send(AcceptConnection(extra_headers=[(b"x-host", event.host.encode())])))
                elif isinstance(event, TextMessage):
                    peer.sendall(connection.send(TextMessage(data=event.data)))
                elif isinstance(event, CloseConnection):
                    peer.sendall(connection.send(event.response()))
                    return

    with tcp_conversations(serve) as port:
        yield port
