"""Arrival rate: every request is sent when it is due, whatever became of the others.

An open loop. Latency counts from the due time, so a target that stalls shows in it as its users would feel it (no
coordinated omission, https://github.com/giltene/wrk2#coordinated-omission). Send lag, the actual minus the intended
send time, is recorded per request: the generator's own honesty.

Precision comes from waiting in two steps: `select` on the epoll until shortly before the due time (its time-out has
microseconds, epoll's has milliseconds), then polling without waiting until it is reached.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from time import perf_counter

import numpy as np
from gevent.monkey import get_original

from loadprofiles.engine.connection import BUSY, CONNECTING, IDLE, Connection
from loadprofiles.engine.kinds import NO_CONNECTION
from loadprofiles.engine.loop import READ, Loop
from loadprofiles.engine.plan import Plan
from loadprofiles.engine.recorder import Recorder
from loadprofiles.engine.schedule import due_times

WAKE_EARLY = 0.00008
"""Seconds before the due time at which waiting turns into polling: what a wake-up may take."""
ROOM_FOR_CHORES = 0.0004
"""Chores are done in a gap of at least this many seconds, as long as there are such gaps."""
CHORES_AT_LEAST = 0.2
"""Seconds after which chores no longer wait for a gap."""
BATCH = 16
"""Answers that are read before the schedule is looked at again."""


POLLS_ALL_THE_TIME = 5000.0
"""Requests per second of a process from which the gaps are too short to wait in: it polls and fills its core."""


def waits_between_sends(plan: Plan) -> bool:
    """Whether the plan leaves its cores to others between two sends."""
    return plan.shape == "arrival-rate" and plan.rate / max(plan.processes, 1) < POLLS_ALL_THE_TIME


class OpenLoop(Loop):
    """Sends on schedule. ``streams`` are the indexes of this process's streams among ``plan.users``."""

    def __init__(
        self, plan: Plan, recorder: Recorder, breathe: Callable[[], object], streams: tuple[int, ...] = (0,)
    ) -> None:
        super().__init__(plan, recorder, breathe)
        self._free: list[Connection] = []
        self._waiting: deque[float] = deque()
        self._select = get_original("select", "select")
        offsets = [
            due_times(
                plan.arrivals,
                rate=plan.rate,
                seconds=plan.seconds,
                warmup=plan.warmup_seconds,
                seed=plan.seed,
                stream=stream,
                streams=plan.users,
            )
            for stream in streams
        ]
        self.offsets = np.sort(np.concatenate(offsets))
        self._due = self.offsets

    def due_in_window(self) -> int:
        return int(((self._due >= self.recorder.begin) & (self._due < self.recorder.end)).sum())

    def _run(self, start: float) -> None:
        self._due = self.offsets + start
        self._send_all(array("d", self._due.tobytes()))
        patience = perf_counter() + self.plan.timeout_seconds + 1.0
        while self._under_way() and perf_counter() < patience:
            self._handle(self._epoll.poll(0.005, BATCH))
            self._serve_waiting()
            if perf_counter() >= self._next_chores:
                self._chores(perf_counter())

    def _send_all(self, due: array[float]) -> None:
        poll, select, watched = self._epoll.poll, self._select, [self._epoll.fileno()]
        handle, waiting, clock = self._handle, self._waiting, perf_counter
        for intended in due:
            while True:
                events = poll(0, BATCH)
                if events:
                    handle(events)
                    if waiting:
                        self._serve_waiting()
                now = clock()
                gap = intended - now
                if now >= self._next_chores and (gap > ROOM_FOR_CHORES or now > self._next_chores + CHORES_AT_LEAST):
                    self._chores(now)
                elif gap <= 0:
                    break
                elif gap > WAKE_EARLY and not events:
                    until_chores = max(self._next_chores - now, 0.0)
                    select(watched, [], [], min(gap - WAKE_EARLY, until_chores))
            self._begin(intended)
            if self.cut:
                return

    def _begin(self, intended: float) -> None:
        self.begun += 1
        connection = self._idle()
        if connection is None and len(self._connections) >= self.plan.max_connections:
            self._waiting.append(intended)
            return
        self.recorder.lag_at(intended)
        self.recorder.lag(perf_counter() - intended)
        self._put(intended, connection)

    def _idle(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.state == IDLE:  # else the target has closed it meanwhile
                return connection
        return None

    def _put(self, intended: float, connection: Connection | None) -> None:
        if connection is None:
            self._connect(intended)
            return
        connection.intended = intended
        connection.state = BUSY
        self._send(connection)

    def _serve_waiting(self) -> None:
        while self._waiting:
            connection = self._idle()
            if connection is None and len(self._connections) >= self.plan.max_connections:
                return
            self.waited += 1
            self._put(self._waiting.popleft(), connection)

    def _handle(self, events: list[tuple[int, int]]) -> None:
        connections = self._connections
        for fd, _ in events:
            connection = connections.get(fd)
            if connection is None:
                continue
            if connection.state == BUSY:
                try:
                    data = connection.recv(READ)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._broken(connection, error)
                    continue
                self._receive(connection, data, perf_counter())
            elif connection.state == CONNECTING:
                self._connected(connection)
            else:  # an idle one: the target closed it, or spoke without being asked
                self._drop(connection)

    def _under_way(self) -> bool:
        return bool(self._waiting) or any(connection.state != IDLE for connection in self._connections.values())

    def _ended(self, connection: Connection, now: float, kind: str, status: int, keep: bool) -> None:
        if kind:
            self.recorder.failed(connection.intended, kind, status)
        else:
            self.recorder.latency(now - connection.intended)
            self.recorder.at(connection.intended)
        if keep:
            connection.state = IDLE
            self._free.append(connection)

    def _failed_to_open(self, intended: float, kind: str) -> None:
        self.recorder.failed(intended, kind)

    def _expire(self, now: float) -> None:
        super()._expire(now)
        while self._waiting and self._waiting[0] < now - self.plan.timeout_seconds:
            self.recorder.failed(self._waiting.popleft(), NO_CONNECTION)
