"""Starts Locust where the vantage is, and reads what it measured.

The process enters the vantage's network namespace with `nsenter` before Python starts: its packets, source ports and
TCP settings are the vantage's, everything else is this machine's. The master of a grid enters its own instead, and
sends nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from clusters.errors import MachineError, RoadtestError
from clusters.paths import temporary_folder
from loadprofiles.engine.conditions import DIES_WITH_PARENT
from loadprofiles.engine.messages import SAID
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.grid import Grid

LOCUSTFILE = Path(__file__).parent / "engine" / "locustfile.py"
ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0
"""What Locust may take to start and to end, beside the load itself."""
LAST_LINES = 6
LEAVE_SECONDS = 2.0
"""What a generator that is stopped may take to end by itself."""


class GeneratorError(RoadtestError):
    """The generator did not come to its end: ours."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What Locust's master, or only process, left behind."""

    trouble: str = ""
    too_few: bool = False
    """The trouble is that workers did not come."""
    measured: Measurement | None = None


class TooFewWorkersError(GeneratorError):
    """They did not come in time: no further load of this run has a chance."""


def carry(
    plan: Plan,
    netns: str = "",
    scratch: Path | None = None,
    grid: Grid | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> Measurement:
    """Send a load from a network namespace (empty: this one); `GeneratorError` when nothing was measured.

    ``scratch`` is a folder for temporary files, best one that goes with the cluster. With a ``grid``, its workers send
    from where they are; ``tell`` hears how many are here.
    """
    plan = plan.check()
    with temporary_folder("roadtest-load-", scratch) as folder:
        outcome = Path(folder) / "outcome.json"
        command = _command(msgspec.structs.replace(plan, outcome=str(outcome)), netns, grid)
        limit = plan.warmup_seconds + plan.seconds + plan.timeout_seconds + START_SECONDS
        status, output = _run(command, limit + (plan.wait_seconds if plan.processes else 0.0), tell)
        try:
            told = msgspec.json.decode(outcome.read_bytes(), type=Outcome)
        except (OSError, msgspec.DecodeError):
            raise GeneratorError(
                f"The generator of load {plan.name} ended with status {status} and without figures.", _last(output)
            ) from None
    if told.measured is None:
        if grid is not None and told.too_few:
            raise TooFewWorkersError(f"{told.trouble}.", grid.joining)
        raise GeneratorError(f"Load {plan.name} was not measured: {told.trouble or 'nothing was sent'}.", _last(output))
    return told.measured


def _command(plan: Plan, netns: str, grid: Grid | None) -> list[str]:
    if grid is not None and grid.address:
        netns = grid.netns
    prefix = ["nsenter", f"--net={netns}"] if netns else []
    command = [
        *prefix,
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)),
        *("--headless", "--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"),
        *("--users", str(plan.users), "--spawn-rate", str(plan.users)),
        *("--run-time", f"{plan.warmup_seconds + plan.seconds + plan.timeout_seconds + START_SECONDS / 2:.0f}s"),
        *("--plan", msgspec.json.encode(plan).decode()),
    ]
    if grid is not None and grid.address:
        command += ["--master", "--expect-workers", str(plan.processes)]
        command += ["--master-bind-host", grid.address, "--master-bind-port", str(grid.port)]
    elif plan.processes:
        port = str(_free_port())
        command += ["--processes", str(plan.processes), "--master-bind-host", "127.0.0.1"]
        command += ["--master-bind-port", port, "--master-port", port]
    return command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def generator_environment() -> dict[str, str]:
    """Of a process of Locust's: ours, without settings that are Locust's own, and it ends when this process does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH", "")]))
    environment[DIES_WITH_PARENT] = str(os.getpid())
    return environment


def _run(command: list[str], limit: float, tell: Callable[[str], object]) -> tuple[int, str]:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=generator_environment(),
            start_new_session=True,  # so that workers can be ended with it
        )
    except FileNotFoundError as error:
        raise MachineError(
            f"{error.filename} is not installed.", "Debian and Ubuntu: apt install util-linux."
        ) from None
    lines: list[str] = []
    listener = threading.Thread(target=_listen, args=(process.stdout, lines, tell))
    listener.start()
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        _end(process)
        raise GeneratorError(f"The generator did not end within {limit:.0f} s.", "It was stopped.") from None
    except BaseException:  # Ctrl-C too: nothing of ours goes on sending
        _end(process)
        raise
    finally:
        listener.join()
    return process.returncode, "".join(lines)


def _listen(output: IO[str], lines: list[str], tell: Callable[[str], object]) -> None:
    with output:
        for line in output:
            if line.startswith(SAID):
                tell(line.removeprefix(SAID).strip())
            else:
                lines.append(line)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()  # a master tells its workers to quit
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LEAVE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "Its last lines: " + " | ".join(lines[-LAST_LINES:]) if lines else "It wrote nothing."
