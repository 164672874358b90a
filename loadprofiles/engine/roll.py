"""A master's side of the roll call: who takes part, whose clock shows what, who is lost.

The load begins only when as many workers are here as it was planned for; whoever comes later, or with another engine,
is refused. They start together by their own clocks: the master has asked each for the time often enough to know it to
within half of the quickest answer's way, and tells each when to start in the worker's own time. Latencies never cross a
machine's border; only the starts can be apart, and how far is told with the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, perf_counter
from typing import Any

from gevent.event import Event
from locust.env import Environment

from loadprofiles.engine import messages, version
from loadprofiles.engine.clock import Clock
from loadprofiles.engine.plan import Plan

ASKED = 8
"""Times that a worker is asked for its clock."""
AHEAD = 0.5
"""Seconds from saying when to start until then."""
LOOK_EVERY = 0.25


class Attendant:
    """A worker that takes part."""

    def __init__(self, client_id: str, name: str) -> None:
        self.client_id = client_id
        self.name = name
        self.heard = monotonic()
        self.ready = False
        self.clock = Clock()


class Roll:
    """The workers of one load."""

    def __init__(self, environment: Environment, plan: Plan, say: Callable[[str], object]) -> None:
        self._options = environment.parsed_options
        self._runner = environment.runner
        self._plan = plan
        self._say = say
        self._closed = False
        self._changed = Event()
        self.wanted = max(plan.processes, 1)
        self._attendants: dict[str, Attendant] = {}
        heard = {messages.HELLO: self._hello, messages.CLOCK: self._clock, messages.READY: self._ready}
        for message, listener in heard.items():
            self._runner.register_message(message, listener)
        environment.events.heartbeat_sent.add_listener(self._alive)

    def __iter__(self) -> Iterator[Attendant]:
        return iter(list(self._attendants.values()))

    def call(self) -> str:
        """Wait for as many workers as are planned for; why there are fewer, or empty."""
        self._options.headless = False  # else Locust ends its master when the only worker so far leaves again
        deadline = monotonic() + self._plan.wait_seconds
        told = -1
        while (here := len(self._here())) < self.wanted:
            if here != told:
                self._say(f"{here} of {self.wanted} workers are here")
                told = here
            left = deadline - monotonic()
            if left <= 0:
                return f"{here} of {self.wanted} workers came within {self._plan.wait_seconds:g} s"
            self._changed.wait(min(left, LOOK_EVERY))
            self._changed.clear()
        self._options.headless = True
        self._close()
        return ""

    def start(self, trouble: Callable[[], str]) -> str:
        """Once every worker has prepared its load, tell them when to start; why that cannot be, or empty.

        ``trouble`` is what a worker has reported meanwhile.
        """
        while not all(attendant.ready for attendant in self):
            if told := trouble():
                return told
            if lost := self.lost():
                return self.told(lost, "before the load began")
            self._changed.wait(LOOK_EVERY)
            self._changed.clear()
        at = perf_counter() + AHEAD
        for attendant in self:
            self._runner.send_message(messages.GO, {"at": at + attendant.clock.ahead}, attendant.client_id)
        self._say("the load begins")
        return ""

    def lost(self, reported: Callable[[str], bool] = lambda _: False) -> list[Attendant]:
        """Who has left, or was silent for too long, without having ``reported``."""
        return [
            attendant
            for attendant in self
            if not reported(attendant.client_id)
            and (
                attendant.client_id not in self._runner.clients
                or monotonic() - attendant.heard > self._plan.silence_seconds
            )
        ]

    def told(self, lost: list[Attendant], when: str = "") -> str:
        """A sentence about the lost ones."""
        names = "; ".join(attendant.name for attendant in lost)
        verb = "was" if len(lost) == 1 else "were"
        return f"of {self.wanted} workers {len(lost)} {verb} lost {when}".strip() + f" ({names})"

    def dismiss(self, *, more: bool) -> None:
        """The load is over; the run may have ``more`` of them."""
        for attendant in self:
            self._runner.send_message(messages.OVER, {"more": more}, attendant.client_id)

    def _here(self) -> list[Attendant]:
        """Who is here and has told its clock."""
        gone = self.lost()
        for attendant in gone:
            del self._attendants[attendant.client_id]
        return [attendant for attendant in self if attendant.clock.answers >= ASKED]

    def _close(self) -> None:
        self._closed = True
        for client_id in list(self._runner.clients):
            if client_id not in self._attendants:  # it has connected, and not yet said who it is
                del self._runner.clients[client_id]
        for place, attendant in enumerate(self):
            self._runner.send_message(messages.PLACE, {"place": place, "of": self.wanted}, attendant.client_id)
        self._say(f"all {self.wanted} workers are here")

    def _hello(self, msg: Any, **_: Any) -> None:
        client_id, name, engine = msg.node_id, msg.data["name"], msg.data["engine"]
        if engine != version.digest():
            self._refuse(
                client_id,
                f"The load engine of worker {name} ({engine}) is not the master's ({version.digest()}). "
                "Use the same version of Roadtest on both machines.",
            )
        elif self._closed or len(self._attendants) - len(self.lost()) >= self.wanted:
            self._refuse(client_id, f"The master has its {self.wanted} workers and takes no more of them.")
        else:
            self._attendants[client_id] = Attendant(client_id, name)
            self._ask(client_id)

    def _refuse(self, client_id: str, why: str) -> None:
        self._runner.send_message(messages.REFUSED, {"why": why}, client_id)
        if client_id in self._runner.clients:  # Locust gives it no users, and does not miss it
            del self._runner.clients[client_id]
        self._say(f"a worker was refused: {why}")

    def _ask(self, client_id: str) -> None:
        self._runner.send_message(messages.CLOCK, {"asked": perf_counter()}, client_id)

    def _clock(self, msg: Any, **_: Any) -> None:
        now = perf_counter()
        if attendant := self._attendants.get(msg.node_id):
            attendant.clock.answered(msg.data["asked"], msg.data["shows"], now)
            if attendant.clock.answers < ASKED:
                self._ask(msg.node_id)
            else:
                self._changed.set()

    def _ready(self, msg: Any, **_: Any) -> None:
        if attendant := self._attendants.get(msg.node_id):
            attendant.ready = True
            self._changed.set()

    def _alive(self, client_id: str, **_: Any) -> None:
        if attendant := self._attendants.get(client_id):
            attendant.heard = monotonic()


def say(line: str) -> None:
    """Tell whoever started this process how far it is (`loadprofiles.carrier` listens)."""
    print(f"{messages.SAID}{line}", flush=True)
