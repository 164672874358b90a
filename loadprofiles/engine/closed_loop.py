"""Saturation: every user sends its next request when the last one has ended.

A closed loop. It finds how much the target can carry; its latencies are those of a full target, and a stall holds the
users back too, so they say nothing about how long others would have waited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter

from loadprofiles.engine.connection import BUSY, CONNECTING, IDLE, Connection
from loadprofiles.engine.loop import READ, Loop
from loadprofiles.engine.plan import Plan
from loadprofiles.engine.recorder import Recorder

PAUSE_AFTER_FAILURE = 0.01
"""Seconds that a user waits after a failed request, so that a refusing target is not hammered."""


class ClosedLoop(Loop):
    """This process's ``users`` of the plan's, each on a connection that is always busy."""

    _running = True

    def __init__(self, plan: Plan, recorder: Recorder, breathe: Callable[[], object], users: int | None = None) -> None:
        super().__init__(plan, recorder, breathe)
        self._users = plan.users if users is None else users
        self._paused: deque[float] = deque()

    def _run(self, start: float) -> None:
        for _ in range(self._users):
            self._begin(perf_counter())
        self._spin(self.recorder.end)
        self._running = False
        self._paused.clear()
        last = perf_counter() + self.plan.timeout_seconds + 1.0
        while any(connection.state in {BUSY, CONNECTING} for connection in self._connections.values()):
            self._spin(min(last, perf_counter() + 0.01))

    def _spin(self, until: float) -> None:
        poll = self._epoll.poll
        connections = self._connections
        known = self._heads.get
        latency, ended = self.recorder.latency, self.recorder.at
        reuse = self.plan.keep_alive and self._running
        now = perf_counter()
        begun = 0
        while now < until and not self.cut:
            for fd, _ in poll(0.005, 512):
                connection = connections.get(fd)
                if connection is None:
                    continue
                if connection.state != BUSY:
                    self._other(connection)
                    continue
                try:
                    data = connection.recv(READ)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._broken(connection, error)
                    continue
                now = perf_counter()
                if reuse and connection.reply is None and known(data[: data.find(b"\r\n\r\n")]) == len(data):
                    latency(now - connection.intended)
                    ended(now)
                    connection.intended = now
                    begun += 1
                    self._send(connection)
                else:
                    self._receive(connection, data, now)
            now = perf_counter()
            if now >= self._next_chores:
                self.begun += begun
                begun = 0
                self._chores(now)
                while self._paused and self._paused[0] <= now:
                    self._paused.popleft()
                    self._begin(perf_counter())
        self.begun += begun

    def _other(self, connection: Connection) -> None:
        if connection.state == CONNECTING:
            self._connected(connection)
        else:  # an idle one: the target closed it, or spoke without being asked
            self._drop(connection)

    def _begin(self, now: float, connection: Connection | None = None) -> None:
        self.begun += 1
        if connection is None:
            self._connect(now)
            return
        connection.intended = now
        self._send(connection)

    def _ended(self, connection: Connection, now: float, kind: str, status: int, keep: bool) -> None:
        if kind:
            self.recorder.failed(now, kind, status)
            self._pause(now)
        else:
            self.recorder.latency(now - connection.intended)
            self.recorder.at(now)
        if not self._running:
            if connection.fd in self._connections:
                connection.state = IDLE
        elif not kind:
            self._begin(now, connection if keep else None)

    def _failed_to_open(self, intended: float, kind: str) -> None:
        now = perf_counter()
        self.recorder.failed(now, kind)
        self._pause(now)

    def _pause(self, now: float) -> None:
        if self._running:
            self._paused.append(now + PAUSE_AFTER_FAILURE)
