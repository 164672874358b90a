"""Asks the same again and again, every few milliseconds, and tells from when on the answers were right.

Each question has a socket of its own at a port that no question had within two minutes (`propagation.ports`), so that
no connection tracking of an earlier one speaks for it, and its answer counts for the moment at which it was sent.
"""

from __future__ import annotations

import concurrent.futures
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from clusters.errors import ClusterError
from fixtures.vantages import NetnsVantage
from propagation.ports import Ports
from propagation.turns import EVERY_SECONDS, SILENT_SECONDS, Question, Turn, settled, turn_of
from propagation.urgency import urgent

LOST_SECONDS = 1.0
"""A question that has no answer after this is lost: nobody listens any more."""
GIVE_UP_SECONDS = 60.0


class Watch:
    """Sends from a vantage's network until the answers are right and stay so.

    As a context: it is entered once the first question has shown that the change is not there yet, and left with the
    asking over, whatever happened.
    """

    every = EVERY_SECONDS

    def __init__(
        self,
        vantage: NetnsVantage,
        ports: Ports,
        end: tuple[str, int],
        question: bytes,
        is_right: Callable[[bytes], bool],
    ) -> None:
        self._end = end
        self._ports = ports
        self._question = question
        self._is_right = is_right
        self._asked: list[Question] = []
        self._begun = threading.Event()
        self._acknowledged = threading.Event()
        self._stopped = threading.Event()
        self._ended = 0.0
        self._urgency = ExitStack()
        self._vantage = vantage
        self._running: concurrent.futures.Future[None] = concurrent.futures.Future()

    def __enter__(self) -> Watch:
        self._running = self._vantage.submit(self._run)
        try:
            self._await_the_old()
        except BaseException:  # Ctrl-C too
            self.stop()
            raise
        self._urgency.enter_context(urgent())  # of the thread that changes: an acknowledgement is heard when it comes
        return self

    def _await_the_old(self) -> None:
        """Wait until the first question has come to an end, which shows that the change is not there yet."""
        while not self._begun.wait(0.05) and not self._running.done():
            pass
        if self._running.done():
            self._running.result()
        if self._asked and self._asked[0].right:
            self._is_there_already()

    def _is_there_already(self) -> None:
        """The first question was answered right."""
        raise ClusterError(
            f"{self._end[0]} answered what a change leads to before the change was made.",
            "Somebody else uses that address or name.",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._urgency.close()
        self.stop()

    def stop(self) -> None:
        """Ask no more; waits for the question that is being sent."""
        self._stopped.set()
        concurrent.futures.wait([self._running])

    def acknowledged(self, at: float | None = None) -> Turn:
        """Say that the API has just acknowledged the change; waits until it is seen and gives when that was.

        ``at``: when it did (`time.perf_counter`), if not just now. `ClusterError` where the change is not seen within
        `GIVE_UP_SECONDS`.
        """
        at = time.perf_counter() if at is None else at
        self._acknowledged.set()
        self._running.result()
        return turn_of(self._asked, at, self._ended)

    def _run(self) -> None:
        with urgent():
            self._ask()

    def _ask(self) -> None:
        waiting: dict[int, tuple[socket.socket, Question]] = {}
        poll = select.epoll()
        began = due = time.perf_counter()
        try:
            while not self._stopped.is_set() and not self._settled():
                now = time.perf_counter()
                if now - began > GIVE_UP_SECONDS:
                    raise ClusterError(
                        f"A change was not seen at {self._end[0]} within {GIVE_UP_SECONDS:g} s.",
                        "Look at kube-proxy's and CoreDNS's logs.",
                    )
                if now >= due:
                    self._send(poll, waiting)
                    # What was late is not caught up: ports are for so many questions in a time.
                    due = max(due, now - self.every / 2) + self.every
                for descriptor, _ in poll.poll(max(0.0, due - time.perf_counter())):
                    self._hear(poll, waiting, descriptor)
                self._forget(poll, waiting, time.perf_counter() - LOST_SECONDS)
                self._tell_begun()
            self._ended = time.perf_counter()
        finally:
            for sender, _ in waiting.values():
                sender.close()
            poll.close()

    def _settled(self) -> bool:
        return self._acknowledged.is_set() and settled(self._asked, time.perf_counter())

    def _tell_begun(self) -> None:
        """Once the first question is answered, refused, or old enough to be taken for unanswered."""
        if not self._begun.is_set() and self._asked:
            first = self._asked[0]
            if first.done or time.perf_counter() - first.sent > SILENT_SECONDS:
                self._begun.set()

    def _send(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Question]]) -> None:
        sender = self._ports.socket(self._end[0])
        asked = Question(sent=time.perf_counter())
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

    def _hear(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Question]], descriptor: int) -> None:
        sender, asked = waiting.pop(descriptor)
        poll.unregister(descriptor)
        with sender:
            try:
                asked.right = self._is_right(sender.recv(4096))
            except OSError:  # refused
                asked.right = False
        asked.done = True

    def _forget(self, poll: select.epoll, waiting: dict[int, tuple[socket.socket, Question]], before: float) -> None:
        """Questions that were sent before a time and have no answer are lost."""
        for descriptor, (sender, asked) in list(waiting.items()):
            if asked.sent >= before:
                return  # they are in the order of their sending
            asked.done = asked.lost = True
            poll.unregister(descriptor)
            sender.close()
            del waiting[descriptor]
