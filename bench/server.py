"""A small HTTP server on loopback with a known delay: ``python -m bench.server [MICROSECONDS]``.

One thread over one epoll. It never sleeps between requests while it has connections, and it waits out its delay on the
clock, so that what it adds is exactly the delay and not a scheduler's mood. Prints its port, serves until killed.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\nhello from a bench"


def serve(delay: float) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    clock = time.perf_counter
    parent = os.getppid()
    while os.getppid() == parent:
        for fd, _ in epoll.poll(0 if connections else 1, 512):
            connection = connections.get(fd)
            if connection is None:
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[accepted.fileno()] = accepted
                epoll.register(accepted.fileno(), select.EPOLLIN)
                continue
            try:
                data = connection.recv(4096)
                began = clock()
                if data:
                    while clock() - began < delay:
                        pass
                    connection.send(ANSWER)
                    continue
            except OSError:
                pass
            del connections[fd]
            connection.close()


if __name__ == "__main__":
    serve(float(sys.argv[1]) / 1e6 if len(sys.argv) > 1 else 0.0)
