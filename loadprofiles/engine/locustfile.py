"""What ``locust -f`` runs: our user class, and the wiring that makes a process's users one loop.

Locust gives users, workers, console and files; `--processes` and workers on other machines need this file and nothing
else, as the plan travels in Locust's own arguments and the measurement in its workers' reports:

    locust -f loadprofiles/engine/locustfile.py --headless --users N --spawn-rate N --plan JSON [--processes P]

A master waits for its workers before it begins (`roll`), and a worker learns from it which of the plan's users it is
(`member`). Every user of a process hands its turn to the process's `Loop`: for saturation a user is one busy
connection, for an arrival rate it is one stream of the schedule. Locust says when all users of all workers are there;
the loops then start together.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent.event import Event
from locust import User, events, runners, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from clusters.errors import RoadtestError
from loadprofiles.engine import measurement
from loadprofiles.engine.clock import Clock
from loadprofiles.engine.closed_loop import ClosedLoop
from loadprofiles.engine.conditions import die_with_parent, prepare, surroundings
from loadprofiles.engine.gathering import gather
from loadprofiles.engine.locust_statistics import tell
from loadprofiles.engine.loop import Loop
from loadprofiles.engine.member import Member
from loadprofiles.engine.open_loop import OpenLoop, waits_between_sends
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.engine.recorder import Recorder
from loadprofiles.engine.roll import Roll, say

REPORT = "roadtest"
runners.WORKER_REPORT_INTERVAL = 1.0
"""Seconds; Locust's 3 would be most of a short load's time."""
runners.CONNECT_TIMEOUT, runners.CONNECT_RETRY_COUNT = 2, 15
"""Seconds, and times, that a worker waits for its master to answer: half a minute, where Locust's is five."""
runners.MASTER_HEARTBEAT_TIMEOUT = 15
"""Seconds after which a worker leaves a master that is silent; it stops sending earlier (`Plan.silence_seconds`)."""
WATCH_EVERY = 0.25
"""Seconds between the master's looks at its workers."""


class Carrier:
    """One process's part: runs its loop, keeps what was measured. On a master: collects the workers'."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.finished = Event()
        self.started = False
        self.measured: Measurement | None = None
        self.reports: dict[str, Measurement] = {}
        self.trouble = ""
        self.too_few = False
        self.member: Member | None = None
        self.roll: Roll | None = None

    @property
    def plan(self) -> Plan:
        options = self.environment.parsed_options
        return msgspec.json.decode(getattr(options, "plan", ""), type=Plan)

    def take_part(self) -> None:
        """Join the master, or wait for the workers; ends the process where there are too few of them."""
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            self.member = Member(self.environment)
        elif isinstance(runner, MasterRunner):
            self.roll = Roll(self.environment, self.plan, say)
            self.trouble = self.roll.call()
            if self.trouble:
                self.too_few = True
                self.write()
                self.roll.dismiss(more=True)  # they may wait for the next try
                runner.quit()
                sys.exit(1)

    def start(self, **_: Any) -> None:
        """All users are there. Locust says so again when a worker has left or come back: a load begins once."""
        if self.started:
            return
        self.started = True
        work = gevent.spawn(self._carry) if self.roll is None else gevent.spawn(self._watch_workers, self.roll)
        work.link_exception(self._failed)

    def _failed(self, greenlet: gevent.Greenlet) -> None:
        self.trouble = f"the generator failed: {greenlet.exception!r}"
        if isinstance(greenlet.exception, RoadtestError):
            self.trouble = str(greenlet.exception)
        self._finish()

    def _carry(self) -> None:
        plan, runner = self.plan.check(), self.environment.runner
        users = tuple(range(plan.users)) if self.member is None else self.member.share(plan.users)
        conditions = prepare(on_time=waits_between_sends(plan)) | surroundings()
        recorder = Recorder(plan, lambda latencies, failures: tell(runner.stats, plan.name, latencies, failures))
        loop: Loop

        def breathe() -> None:
            """Locust's hub gets its turn; a load without a master is not sent to its end."""
            gevent.idle()  # sleep(0) comes back up to 50 times before the hub looks at its sockets and timers
            if self.member is not None and self.member.silence > plan.silence_seconds:
                loop.cut = f"the master was not heard for {plan.silence_seconds:g} s"

        if plan.shape == "saturation":
            loop = ClosedLoop(plan, recorder, breathe, len(users))
        else:
            loop = OpenLoop(plan, recorder, breathe, users)
        loop.run(self.member.start_time() if self.member is not None else 0.0)
        self.measured = measurement.of(loop, conditions, users)
        self._finish()

    def _finish(self) -> None:
        self.finished.set()
        runner = self.environment.runner
        if isinstance(runner, LocalRunner):
            if self.measured is not None:
                self.reports["local"] = self.measured
            runner.quit()
        elif self.roll is not None:
            self.roll.dismiss(more=self.plan.more)
            runner.quit()

    def report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """A worker's report to its master is being written: the same measurement in each once there is one."""
        if self.finished.is_set():
            data[REPORT] = {
                "measured": msgspec.json.encode(self.measured).decode() if self.measured else "",
                "trouble": self.trouble,
            }

    def hear(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """A worker's report has arrived at the master."""
        report = data.get(REPORT)
        if not report:
            return
        if report["measured"]:
            self.reports[client_id] = msgspec.json.decode(report["measured"], type=Measurement)
        if report["trouble"]:
            self.trouble = report["trouble"]

    def _watch_workers(self, roll: Roll) -> None:
        self.trouble = roll.start(lambda: self.trouble)
        while not self.trouble:
            missing = [attendant for attendant in roll if attendant.client_id not in self.reports]
            lost = roll.lost(self.reports.__contains__)
            if len(lost) == len(missing):
                self.trouble = roll.told(lost) if lost else ""
                break
            gevent.sleep(WATCH_EVERY)
        self._finish()

    def write(self, **_: Any) -> None:
        """The process is quitting: leave what was measured where the plan says."""
        if self.member is not None:
            self.member.keep(self.measured, self.plan.name if self.measured else "")
            return
        plan = self.plan
        if not plan.outcome:
            return
        wanted = max(plan.processes, 1)
        trouble = self.trouble
        if not trouble and len(self.reports) != wanted:
            trouble = f"{len(self.reports)} of {wanted} processes reported what they measured"
        parts, clocks = self._parts()
        whole = gather(plan, parts, clocks, trouble) if parts else None
        told = {"trouble": trouble, "too_few": self.too_few, "measured": whole}
        Path(plan.outcome).write_bytes(msgspec.json.encode(told))

    def _parts(self) -> tuple[dict[str, Measurement], dict[str, Clock]]:
        if self.roll is None:
            return self.reports, {}
        reported = {attendant.client_id: attendant for attendant in self.roll if attendant.client_id in self.reports}
        return (
            {attendant.name: self.reports[client_id] for client_id, attendant in reported.items()},
            {attendant.name: attendant.clock for attendant in reported.values()},
        )


CARRIERS: dict[Environment, Carrier] = {}


class Sender(User):  # type: ignore[misc]  # Locust's stubs are not read
    """A user whose turn is the process's loop."""

    @task  # type: ignore[untyped-decorator]
    def wait_for_the_load(self) -> None:
        CARRIERS[self.environment].finished.wait()
        raise StopUser


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _arguments(parser: ArgumentParser, **_: Any) -> None:
    parser.add_argument("--plan", default="", help="the load's plan as JSON (loadprofiles.engine.plan.Plan)")
    parser.add_argument("--keep", default="", help="worker: folder for what this process measures, a file per load")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _wire(environment: Environment, **_: Any) -> None:
    worker = isinstance(environment.runner, WorkerRunner)
    die_with_parent(worker=worker)
    carrier = CARRIERS[environment] = Carrier(environment)
    environment.events.spawning_complete.add_listener(carrier.start)
    environment.events.report_to_master.add_listener(carrier.report)
    environment.events.worker_report.add_listener(carrier.hear)
    environment.events.quitting.add_listener(carrier.write)
    if not worker:
        try:
            carrier.plan.check()
        except (RoadtestError, msgspec.DecodeError) as error:
            sys.exit(f"--plan: {error}")
    carrier.take_part()
