"""Right and wrong HTTP servers for the load engine's tests, each in a process of its own (its GIL is not the engine's).

python load_servers.py BEHAVIOUR    prints its port on loopback, serves until its standard input ends
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
ANSWERS = {
    "good": GOOD,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "unavailable": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    "too-long": GOOD + b"!",
    "garbage": b"220 ready\r\n\r\n",
}
CUT = {"short-body": GOOD[:-2], "reset": b"", "short-head": GOOD[:20], "until-close": b"HTTP/1.1 200 OK\r\n\r\nhello"}
STALL_AFTER, STALL_SECONDS = 0.5, 0.3


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaviour: str, started: list[float]
) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        number = 0
        while await reader.readuntil(b"\r\n\r\n"):
            number += 1
            if not started:
                started.append(time.monotonic())
            if behaviour == "silent":
                await asyncio.sleep(3600)
            if behaviour == "stalling" and len(started) == 1 and time.monotonic() - started[0] > STALL_AFTER:
                started.append(0.0)
                time.sleep(STALL_SECONDS)  # everyone waits: that is the stall
            if behaviour in CUT or (behaviour == "sometimes-reset" and number % 2 == 0):
                writer.write(CUT.get(behaviour, b""))
                await writer.drain()
                if behaviour != "until-close":
                    linger = struct.pack("ii", 1, 0)
                    if behaviour in {"reset", "sometimes-reset"}:
                        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                break
            if behaviour == "in-pieces":
                for byte in ANSWERS["chunked"]:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0)
                continue
            writer.write(ANSWERS.get(behaviour, GOOD))
    writer.close()


async def serve(behaviour: str) -> None:
    started: list[float] = []
    server = await asyncio.start_server(
        lambda reader, writer: answer(reader, writer, behaviour, started), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def server(behaviour: str) -> Iterator[int]:
    """A server that behaves so; its port."""
    process = subprocess.Popen(
        [sys.executable, "-S", str(Path(__file__)), behaviour], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
