"""What both loops share: connections, responses, time-outs, and the books.

A loop drives every connection of its process over one epoll, in one greenlet. It is plain Python without gevent:
`breathe` is called between batches so that whoever carries it (Locust's hub) gets its turn.
"""

from __future__ import annotations

import gc
import select
from collections.abc import Callable
from errno import EINPROGRESS
from socket import SO_ERROR, SOL_SOCKET
from time import perf_counter

from gevent.monkey import get_original

from clusters.families import socket_family
from loadprofiles.engine import kinds
from loadprofiles.engine.conditions import Meter
from loadprofiles.engine.connection import BUSY, CLOSED, IDLE, Connection
from loadprofiles.engine.plan import MAX_REQUESTS, Plan
from loadprofiles.engine.recorder import Recorder
from loadprofiles.engine.response import BadResponseError, Reply

EPOLLIN, EPOLLOUT = select.EPOLLIN, select.EPOLLOUT
CHORES_EVERY = 0.05
"""Seconds between rounds of chores: counting, time-outs, letting Locust breathe."""
READ = 16384
HEADS = 512
"""Response heads that are remembered with where their response ends."""


class Loop:
    """Sends what a plan says and records what comes back."""

    def __init__(self, plan: Plan, recorder: Recorder, breathe: Callable[[], object]) -> None:
        self.plan = plan.check()
        self.recorder = recorder
        self.meter = Meter()
        self._breathe = breathe
        self._request = plan.request.encode("latin-1")
        self._peer = (plan.address, plan.port)
        self._family = socket_family(plan.address)
        # gevent removes epoll from `select` when it patches; the original stays to be had.
        self._epoll: select.epoll = get_original("select", "epoll")()
        self._connections: dict[int, Connection] = {}
        self._heads: dict[bytes, int] = {}
        self._next_chores = 0.0
        self.begun = 0
        self.opened = 0
        self.waited = 0
        self.cut = ""
        """Why the load ended early; empty when it did not."""

    def run(self, at: float = 0.0) -> None:
        """Send the whole load, from ``at`` on; return when every request has been answered or has failed."""
        collecting = gc.isenabled()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in the middle would be a send lag of ours
        try:
            now = self._wait_until(at)
            self.recorder.start(now)
            self._next_chores = now
            self._run(now)
        finally:
            for connection in list(self._connections.values()):
                self._drop(connection)
            self._epoll.close()
            self.recorder.flush()
            self.meter.stop()
            gc.unfreeze()
            if collecting:
                gc.enable()

    def _wait_until(self, at: float) -> float:
        sleep: Callable[[float], None] = get_original("time", "sleep")
        while (left := at - perf_counter()) > 0:
            self._breathe()
            sleep(min(left, CHORES_EVERY))
        return perf_counter()

    def due_in_window(self) -> int | None:
        """How many requests the schedule has in the measured window; ``None`` without a schedule."""
        return None

    def _run(self, start: float) -> None:
        raise NotImplementedError

    def _ended(self, connection: Connection, now: float, kind: str, status: int, keep: bool) -> None:
        """The connection's request has ended: ``kind`` is empty when it was answered as expected."""
        raise NotImplementedError

    # connections

    def _connect(self, intended: float) -> None:
        """Open a connection and send a request on it, at once where the handshake is already over."""
        self.opened += 1
        try:
            connection = Connection(self._family)
        except OSError as error:
            self._failed_to_open(intended, kinds.kind_of(error.errno or 0))
            return
        connection.intended = intended
        self._connections[connection.fd] = connection
        code = connection.socket.connect_ex(self._peer)
        if code not in {0, EINPROGRESS}:
            self._fail(connection, kinds.kind_of(code))
            return
        try:
            sent = connection.send(self._request)
        except BlockingIOError:
            self._epoll.register(connection.fd, EPOLLOUT)
            return
        except OSError as error:
            self._fail(connection, kinds.kind_of(error.errno or 0))
            return
        self._epoll.register(connection.fd, EPOLLIN)
        connection.state = BUSY
        if sent != len(self._request):
            self._fail(connection, kinds.GENERATOR)

    def _failed_to_open(self, intended: float, kind: str) -> None:
        raise NotImplementedError

    def _connected(self, connection: Connection) -> None:
        """The handshake is over, or has failed."""
        code = connection.socket.getsockopt(SOL_SOCKET, SO_ERROR)
        if code:
            self._fail(connection, kinds.kind_of(code))
            return
        self._epoll.modify(connection.fd, EPOLLIN)
        connection.state = BUSY
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        """Send the request on a connection that is established."""
        try:
            sent = connection.send(self._request)
        except OSError as error:
            self._fail(connection, kinds.kind_of(error.errno or 0))
            return
        if sent != len(self._request):
            self._fail(connection, kinds.GENERATOR)

    def _fail(self, connection: Connection, kind: str, status: int = 0) -> None:
        self._drop(connection)
        self._ended(connection, perf_counter(), kind, status, False)

    def _drop(self, connection: Connection) -> None:
        if connection.state != CLOSED:
            connection.state = CLOSED
            del self._connections[connection.fd]
            connection.close()  # epoll forgets a closed descriptor by itself

    # responses

    def _receive(self, connection: Connection, data: bytes, now: float) -> None:
        """What the fast path of the loops did not know: a new head, a piece, chunks, an error, the end."""
        if connection.reply is None and self._heads.get(data[: data.find(b"\r\n\r\n")]) == len(data):
            self._answered(connection, now, "", 0, self.plan.keep_alive)
            return
        reply = connection.reply or Reply()
        try:
            whole = reply.feed(data) if data else reply.end()
        except BadResponseError:
            self._fail(connection, kinds.BAD_RESPONSE)
            return
        if not whole:
            if not data:
                self._fail(connection, kinds.SHORT_BODY if reply.begun else kinds.RESET)
            else:
                connection.reply = reply
            return
        expected = reply.status == self.plan.expect_status
        if expected and connection.reply is None and reply.plain:
            self._remember(data, reply.keep_alive)
        connection.reply = None
        if expected:
            self._answered(connection, now, "", 0, reply.keep_alive and self.plan.keep_alive)
        else:
            self._answered(connection, now, kinds.BAD_STATUS, reply.status, False)

    def _answered(self, connection: Connection, now: float, kind: str, status: int, keep: bool) -> None:
        if not keep:
            self._drop(connection)
        self._ended(connection, now, kind, status, keep)

    def _remember(self, data: bytes, keep: bool) -> None:
        """From now on a response that is this long and has this head is known to be whole and good."""
        if keep or not self.plan.keep_alive:
            if len(self._heads) >= HEADS:  # a head with a date lasts a second, one with a request's id never comes back
                self._heads.clear()
            self._heads[data[: data.find(b"\r\n\r\n")]] = len(data)

    def _broken(self, connection: Connection, error: OSError) -> None:
        """Reading failed."""
        kind = kinds.kind_of(error.errno or 0)
        if kind == kinds.RESET and connection.reply is not None:
            kind = kinds.SHORT_BODY
        self._fail(connection, kind)

    # chores

    def _chores(self, now: float) -> None:
        """Count, expire, breathe."""
        self.recorder.flush()
        self.meter.look(now, self.recorder)
        self._expire(now)
        if self.begun > MAX_REQUESTS:
            self.cut = f"more than {MAX_REQUESTS} requests"
        self._breathe()
        self._next_chores = perf_counter() + CHORES_EVERY

    def _expire(self, now: float) -> None:
        oldest = now - self.plan.timeout_seconds
        for connection in list(self._connections.values()):
            if connection.intended < oldest and connection.state != IDLE:
                self._fail(connection, kinds.TIMEOUT)
