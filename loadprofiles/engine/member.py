"""A worker's side of the roll call: it says who it is, is given its place, and starts when the master says."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import gevent
import msgspec
from gevent.event import AsyncResult
from locust.env import Environment

from loadprofiles.engine import messages, version
from loadprofiles.engine.plan import Measurement, share


class Member:
    """This worker among the others of its load."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._own = bool(environment.parsed_options.processes)
        """Whether the master is this machine's too, which takes an exit status above 1 for a crash."""
        self._end_with(messages.LOST_MASTER)  # unless the master says anything
        self._runner = environment.runner
        self._place = AsyncResult()
        self._go = AsyncResult()
        self._heard = monotonic()
        self._folder = environment.parsed_options.keep  # now: a load's arguments replace it by the master's
        heard = {
            messages.REFUSED: self._refused,
            messages.CLOCK: self._clock,
            messages.PLACE: lambda msg, **_: self._place.set((msg.data["place"], msg.data["of"])),
            messages.GO: lambda msg, **_: self._go.set(msg.data["at"]),
            messages.OVER: self._over,
        }
        for message, listener in heard.items():
            self._runner.register_message(message, listener)
        environment.events.heartbeat_received.add_listener(self._alive)
        self._runner.send_message(messages.HELLO, {"engine": version.digest(), "name": self.name})

    @property
    def name(self) -> str:
        """The address that it reaches its master from, and its process id: two may be on one machine."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:  # connecting a datagram socket sends nothing
            way.connect((self._runner.master_host, self._runner.master_port))
            return f"{way.getsockname()[0]}, process {os.getpid()}"

    def share(self, users: int) -> tuple[int, ...]:
        """Which of the plan's users are this worker's; waits for the master to say."""
        place, of = self._place.get()
        return share(users, place, of)

    def start_time(self) -> float:
        """Tell the master that the load is prepared, and wait for when to start."""
        self._runner.send_message(messages.READY, {})
        return float(self._go.get())

    def keep(self, measured: Measurement | None, load: str) -> None:
        """Leave this worker's own part of a load where its user wants it."""
        if self._folder and measured is not None:
            Path(self._folder, f"{load}-{self._runner.client_id}.json").write_bytes(msgspec.json.encode(measured))

    @property
    def silence(self) -> float:
        """Seconds since the master was last heard."""
        return monotonic() - self._heard

    def _alive(self, **_: Any) -> None:
        self._heard = monotonic()

    def _refused(self, msg: Any, **_: Any) -> None:
        print(f"error: {msg.data['why']}", file=sys.stderr, flush=True)
        self._end_with(messages.WAS_REFUSED)
        gevent.spawn(self._runner.quit)  # which ends the greenlet that listens: this one

    def _clock(self, msg: Any, **_: Any) -> None:
        self._runner.send_message(messages.CLOCK, {"asked": msg.data["asked"], "shows": perf_counter()})

    def _over(self, msg: Any, **_: Any) -> None:
        self._end_with(messages.SERVED if msg.data["more"] else messages.NO_MORE)

    def _end_with(self, status: int) -> None:
        if not self._own:
            self._environment.process_exit_code = status
