"""The same over HTTP: each question on a connection of its own, answered right by a backend and wrong by all else."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from clusters.families import socket_family
from fixtures.vantages import NetnsVantage
from propagation.ports import Ports
from propagation.turns import Question
from propagation.watching import Watch

EVERY_SECONDS = 0.01
"""A connection each time costs the proxy more than a datagram costs a node."""
PART = 65_536


class HttpWatch(Watch):
    """Asks for a host at a controller's address."""

    every = EVERY_SECONDS

    def __init__(
        self,
        vantage: NetnsVantage,
        end: tuple[str, int],
        host: str,
        is_right: Callable[[bytes], bool],
        *,
        late: bool = False,
    ) -> None:
        """``late``: it begins when the change has been made already, so that a first right answer is no mistake."""
        question = f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: roadtest\r\nConnection: close\r\n\r\n".encode()
        super().__init__(vantage, Ports(), end, question, is_right)
        self._heard: dict[int, bytes | None] = {}
        """Of each open connection: what came so far; nothing while it is being made."""
        self._late = late
        self.right_at_once = False
        """Begun late, and the first question was answered right: the change was in force earlier, nobody knows when."""

    def _is_there_already(self) -> None:
        if not self._late:
            super()._is_there_already()
        self.right_at_once = True

    def _send(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Question]]) -> None:
        sender = socket.socket(socket_family(self._end[0]), socket.SOCK_STREAM)
        sender.setblocking(False)
        asked = Question(sent=time.perf_counter())
        self._asked.append(asked)
        try:
            sender.connect_ex(self._end)
        except OSError:
            asked.done = True
            sender.close()
            return
        self._heard[sender.fileno()] = None
        waiting[sender.fileno()] = (sender, asked)
        poll.register(sender, select.EPOLLOUT)

    def _hear(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Question]], descriptor: int) -> None:
        sender, asked = waiting[descriptor]
        so_far = self._heard[descriptor]
        try:
            if so_far is None:
                sender.send(self._question)  # raises what became of the connection, where it was not made
                self._heard[descriptor] = b""
                poll.modify(sender, select.EPOLLIN)
                return
            part = sender.recv(PART)
            if part:
                self._heard[descriptor] = so_far + part
                return
            asked.right = self._is_right(so_far)
        except OSError:
            asked.right = False
        asked.done = True
        poll.unregister(descriptor)
        sender.close()
        del waiting[descriptor]
