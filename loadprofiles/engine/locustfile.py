"""What ``locust -f`` runs: our user class, and the wiring that makes a process's users one loop.

Locust gives users, workers, console and files; `--processes` and workers on other machines need this file and nothing
else, as the plan travels in Locust's own arguments and the measurement in its workers' reports:

    locust -f loadprofiles/engine/locustfile.py --headless --users N --spawn-rate N --plan JSON [--processes P]

Every user of a process hands its turn to the process's `Loop`: for saturation a user is one busy connection, for an
arrival rate it is one stream of the schedule. The loop starts when Locust says that all users of all workers are there.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
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
from loadprofiles.engine.closed_loop import ClosedLoop
from loadprofiles.engine.conditions import die_with_parent, prepare, surroundings
from loadprofiles.engine.locust_statistics import tell
from loadprofiles.engine.loop import Loop
from loadprofiles.engine.open_loop import OpenLoop, waits_between_sends
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.engine.recorder import Recorder

REPORT = "roadtest"
runners.WORKER_REPORT_INTERVAL = 1.0
"""Seconds; Locust's 3 would be most of a short load's time."""
WATCH_EVERY = 0.5
"""Seconds between the master's looks at its workers."""
LOST_AFTER = 6.0
"""Seconds that a worker may be silent, beyond the three that Locust allows, before the master gives it up."""


class Carrier:
    """One process's part: runs its loop, keeps what was measured. On a master: collects the workers'."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.finished = Event()
        self.measured: Measurement | None = None
        self.reports: dict[str, Measurement] = {}
        self.trouble = ""

    @property
    def plan(self) -> Plan:
        options = self.environment.parsed_options
        return msgspec.json.decode(getattr(options, "plan", ""), type=Plan)

    def start(self, **_: Any) -> None:
        """All users are there."""
        work = self._watch_workers if isinstance(self.environment.runner, MasterRunner) else self._carry
        gevent.spawn(work).link_exception(self._failed)

    def _failed(self, greenlet: gevent.Greenlet) -> None:
        self.trouble = f"the generator failed: {greenlet.exception!r}"
        if isinstance(greenlet.exception, RoadtestError):
            self.trouble = str(greenlet.exception)
        self._finish()

    def _carry(self) -> None:
        plan, runner = self.plan, self.environment.runner
        users = runner.user_count
        if not users:
            self.trouble = "this worker was given no users"
            self._finish()
            return
        conditions = prepare(on_time=waits_between_sends(plan)) | surroundings()
        recorder = Recorder(plan, lambda latencies, failures: tell(runner.stats, plan.name, latencies, failures))
        loop: Loop
        if plan.shape == "saturation":
            loop = ClosedLoop(plan, recorder, breathe, users)
        else:
            first = max(getattr(runner, "worker_index", 0), 0) * users
            loop = OpenLoop(plan, recorder, breathe, tuple(range(first, first + users)))
        loop.run()
        self.measured = measurement.of(loop, conditions)
        self._finish()

    def _finish(self) -> None:
        self.finished.set()
        if isinstance(self.environment.runner, LocalRunner):
            if self.measured is not None:
                self.reports["local"] = self.measured
            self.environment.runner.quit()
        elif isinstance(self.environment.runner, MasterRunner):
            self.environment.runner.quit()

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

    def _watch_workers(self) -> None:
        runner, wanted = self.environment.runner, max(self.plan.processes, 1)
        seen = monotonic()
        while not self.trouble:
            present = runner.worker_count
            if present >= wanted:
                seen = monotonic()
            given_up = monotonic() - seen > LOST_AFTER
            if len(self.reports) >= (present if given_up else wanted):
                break
            gevent.sleep(WATCH_EVERY)
        if not self.trouble and len(self.reports) < wanted:
            self.trouble = f"of {wanted} workers {wanted - len(self.reports)} were lost"
        self._finish()

    def write(self, **_: Any) -> None:
        """The process is quitting: leave what was measured where the plan says."""
        plan = self.plan
        if isinstance(self.environment.runner, WorkerRunner) or not plan.outcome:
            return
        wanted = max(plan.processes, 1)
        trouble = self.trouble
        if not trouble and len(self.reports) != wanted:
            trouble = f"{len(self.reports)} of {wanted} processes reported what they measured"
        whole = measurement.merge(list(self.reports.values())) if self.reports else None
        if whole is not None and trouble:
            whole = msgspec.structs.replace(whole, trouble=trouble)
        Path(plan.outcome).write_bytes(msgspec.json.encode({"trouble": trouble, "measured": whole}))


def breathe() -> None:
    """Locust's hub gets its turn."""
    gevent.sleep(0)


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


@events.init.add_listener  # type: ignore[untyped-decorator]
def _wire(environment: Environment, **_: Any) -> None:
    die_with_parent(worker=isinstance(environment.runner, WorkerRunner))
    carrier = CARRIERS[environment] = Carrier(environment)
    environment.events.spawning_complete.add_listener(carrier.start)
    environment.events.report_to_master.add_listener(carrier.report)
    environment.events.worker_report.add_listener(carrier.hear)
    environment.events.quitting.add_listener(carrier.write)
    if not isinstance(environment.runner, WorkerRunner):
        try:
            carrier.plan.check()
        except (RoadtestError, msgspec.DecodeError) as error:
            sys.exit(f"--plan: {error}")
