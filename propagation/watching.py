"""Asks the same again and again, every few milliseconds, and tells from when on the answers were right.

Each question has a socket of its own, so that no connection tracking of an earlier one speaks for it, and its answer
counts for the moment at which it was sent.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable

import msgspec

from clusters.errors import ClusterError
from clusters.families import socket_family
from fixtures.vantages import NetnsVantage

EVERY_SECONDS = 0.002
LOST_SECONDS = 1.0
"""A question that has no answer after this is lost."""
RIGHT_IN_A_ROW = 50
"""A tenth of a second of right answers, and nothing else, ends the watch."""
GIVE_UP_SECONDS = 60.0


class Asked(msgspec.Struct, kw_only=True):
    """One question."""

    sent: float
    """`time.perf_counter`."""
    right: bool = False
    """Whether its answer was the one that the change leads to; a lost or refused one was not."""
    done: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """From when on a change was seen, in seconds since the API acknowledged it; before that, it is negative."""

    first_right: float
    last_wrong: float


class Watch:
    """Sends from a vantage's network until the answers are right and stay so."""

    def __init__(
        self, vantage: NetnsVantage, address: str, port: int, question: bytes, is_right: Callable[[bytes], bool]
    ) -> None:
        self._end = (address, port)
        self._question = question
        self._is_right = is_right
        self._asked: list[Asked] = []
        self._acknowledged = threading.Event()
        self._running = vantage.submit(self._run)

    def acknowledged(self) -> Turn:
        """Say that the API has just acknowledged the change; waits until it is seen and gives when that was.

        `ClusterError` where it is not seen within `GIVE_UP_SECONDS`.
        """
        at = time.perf_counter()
        self._acknowledged.set()
        self._running.result()
        right = [one.sent for one in self._asked if one.right]
        wrong = [one.sent for one in self._asked if one.done and not one.right and one.sent < right[-1]]
        return Turn(first_right=right[0] - at, last_wrong=max([*wrong, right[0] - EVERY_SECONDS]) - at)

    def _run(self) -> None:
        waiting: dict[int, tuple[socket.socket, Asked]] = {}
        poll = select.epoll()
        began = due = time.perf_counter()
        try:
            while not self._settled():
                now = time.perf_counter()
                if now - began > GIVE_UP_SECONDS:
                    raise ClusterError(
                        f"A change was not seen at {self._end[0]} within {GIVE_UP_SECONDS:g} s.",
                        "Look at kube-proxy's and CoreDNS's logs.",
                    )
                if now >= due:
                    self._send(poll, waiting)
                    due = max(due + EVERY_SECONDS, now)
                for descriptor, _ in poll.poll(max(0.0, due - time.perf_counter())):
                    self._hear(poll, waiting, descriptor)
                self._forget(poll, waiting, time.perf_counter() - LOST_SECONDS)
            # Answers take less than a millisecond: whatever is older will not come.
            self._forget(poll, waiting, time.perf_counter() - RIGHT_IN_A_ROW * EVERY_SECONDS)
        finally:
            for sender, _ in waiting.values():
                sender.close()
            poll.close()

    def _settled(self) -> bool:
        """The change is acknowledged, and the last questions that came to an end were all answered right."""
        done = [one for one in self._asked[-4 * RIGHT_IN_A_ROW :] if one.done][-RIGHT_IN_A_ROW:]
        return self._acknowledged.is_set() and len(done) == RIGHT_IN_A_ROW and all(one.right for one in done)

    def _send(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Asked]]) -> None:
        sender = socket.socket(socket_family(self._end[0]), socket.SOCK_DGRAM)
        sender.setblocking(False)
        asked = Asked(sent=time.perf_counter())
        self._asked.append(asked)
        try:
            sender.connect(self._end)
            sender.send(self._question)
        except OSError:
            asked.done = True
            sender.close()
            return
        waiting[sender.fileno()] = (sender, asked)
        poll.register(sender, select.EPOLLIN)

    def _hear(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Asked]], descriptor: int) -> None:
        sender, asked = waiting.pop(descriptor)
        poll.unregister(descriptor)
        with sender:
            try:
                asked.right = self._is_right(sender.recv(4096))
            except OSError:  # refused
                asked.right = False
        asked.done = True

    def _forget(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Asked]], before: float) -> None:
        """Questions that were sent before a time and have no answer are lost."""
        for descriptor, (sender, asked) in list(waiting.items()):
            if asked.sent >= before:
                return  # they are in the order of their sending
            asked.done = True
            poll.unregister(descriptor)
            sender.close()
            del waiting[descriptor]
