"""Carries the API server's connections from this machine's loopback into the cluster's namespace.

Run as a file, inside the cluster's namespace: ``python -I relay.py DESCRIPTOR ADDRESS PORT``. The listening socket was
made outside and is inherited: a socket stays in the namespace it was made in. Standard library only, to stay small.
"""

from __future__ import annotations

import asyncio
import socket
import sys


class Half(asyncio.Protocol):
    """One side of a connection; what arrives is written to the other, no faster than the other takes it."""

    def __init__(self, other: Half | None = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if self.other and self.other.transport and self.other.transport.can_write_eof():
            self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()


class Near(Half):
    """The side of this machine: reads nothing until the API server has answered.

    What comes in spite of that is kept: Python 3.11.2 forgets a pause that is asked for in `connection_made`.
    """

    def __init__(self, address: str, port: int, dials: set[asyncio.Task[None]]) -> None:
        super().__init__()
        self.early = b""
        self.ended_early = False
        self.address = address
        self.port = port
        self.dials = dials

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        dial = asyncio.ensure_future(self.dial())
        self.dials.add(dial)
        dial.add_done_callback(self.dials.discard)

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
        elif self.transport:
            self.early += data
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self.ended_early = not self.other
        return super().eof_received()

    async def dial(self) -> None:
        assert self.transport is not None
        try:
            _, self.other = await asyncio.get_running_loop().create_connection(
                lambda: Half(self), self.address, self.port
            )
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            if self.other.transport:
                self.other.transport.close()
        else:
            if self.early:
                super().data_received(self.early)
            if self.ended_early:
                super().eof_received()
            self.transport.resume_reading()


async def relay(listener: socket.socket, address: str, port: int) -> None:
    dials: set[asyncio.Task[None]] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Near(address, port, dials), sock=listener, backlog=128
    )
    await server.serve_forever()


if __name__ == "__main__":
    descriptor, far_address, far_port = sys.argv[1:]
    asyncio.run(relay(socket.socket(fileno=int(descriptor)), far_address, int(far_port)))
