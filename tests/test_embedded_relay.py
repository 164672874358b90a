"""The relay carries bytes both ways, whole, and ends a connection when either side does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from clusters.embedded import relay
from clusters.embedded.bring_up import open_listener
from clusters.errors import UsageError

PROGRAM = str(Path(relay.__file__))
Relayed = Callable[[int], int]


@pytest.fixture
def relayed() -> Iterator[Relayed]:
    started: list[subprocess.Popen[bytes]] = []

    def run(far_port: int) -> int:
        with open_listener(0) as listener:
            command = [sys.executable, "-I", PROGRAM, str(listener.fileno()), "127.0.0.1", str(far_port)]
            started.append(subprocess.Popen(command, pass_fds=(listener.fileno(),)))
            return int(listener.getsockname()[1])

    yield run
    for process in started:
        process.kill()
        process.wait()


def serve(answer: Callable[[socket.socket], None]) -> int:
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = server.accept()
        with server, connection:
            answer(connection)

    threading.Thread(target=run, daemon=True).start()
    return int(server.getsockname()[1])


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.sendall(b"end")


def test_megabytes_arrive_whole_and_a_closed_half_is_passed_on(relayed: Relayed) -> None:
    port = relayed(serve(echo))
    sent = bytes(range(256)) * 16384
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:

        def send() -> None:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while data := connection.recv(65536):
            received += data
        sender.join()

    assert bytes(received) == sent + b"end"


def test_a_slow_reader_gets_all_of_a_far_side_that_is_long_gone(relayed: Relayed) -> None:
    gone = threading.Event()

    def speak_and_go(connection: socket.socket) -> None:
        connection.sendall(b"x" * 300_000)
        gone.set()

    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", relayed(serve(speak_and_go))))
        assert gone.wait(10)
        received = 0
        while data := connection.recv(4096):
            received += len(data)

    assert received == 300_000


def test_what_comes_before_the_far_side_has_answered_is_kept() -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def listen(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            heard.append(data)
        done.set()

    async def be_early() -> None:
        dials: set[asyncio.Task[None]] = set()
        near = relay.Near("127.0.0.1", serve(listen), dials)
        transport = create_autospec(asyncio.Transport, instance=True)
        transport.is_closing.return_value = False
        near.connection_made(transport)
        near.data_received(b"ear")
        near.data_received(b"ly")
        near.eof_received()
        await asyncio.gather(*dials)
        await asyncio.to_thread(done.wait, 10)

    asyncio.run(be_early())
    assert b"".join(heard) == b"early"
    assert done.is_set()


def test_a_far_side_that_is_not_there_ends_the_connection(relayed: Relayed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    near = relayed(port)

    with (
        contextlib.suppress(ConnectionResetError),
        socket.create_connection(("127.0.0.1", near), timeout=10) as connection,
    ):
        assert connection.recv(1) == b""


def test_a_port_in_use_is_told_with_how_to_find_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot be given port {port}.*ss -ltnp"):
            open_listener(port)
