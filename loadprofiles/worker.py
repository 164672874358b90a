"""``python -m loadprofiles worker``: takes part in every load of a master on another machine.

Each load is one process of Locust's own worker with our locustfile: a run of ten loads meets ten fresh ones. The worker
needs no cluster and no kubeconfig; what to send, and where it may go, comes from the master with the plan.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import msgspec

from clusters.errors import MachineError, RoadtestError, UsageError
from loadprofiles.carrier import LOCUSTFILE, generator_environment
from loadprofiles.engine import messages

LOOK_EVERY = 0.25
NOT_ANSWERED = 255
"""Locust's exit status when the master did not answer."""
OVER = "its run is over"
LEAVING_SECONDS = 3.0
"""What a master may take to be gone after a load; what answers later is the next one."""
END_SECONDS = 5.0
"""What Locust may take to leave its master in order."""


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    address: str
    port: int
    processes: int = 1
    """Workers on this machine."""
    stay: bool = False
    """Wait for the next run when one is over."""
    wait_seconds: float = 120.0
    keep: Path | None = None
    """Folder for what each process measures."""


def serve(asked: Joining, say: Callable[[str], object]) -> None:
    """Take part until the run is over; `RoadtestError` where no master answers or it refuses."""
    if not 1 <= asked.processes <= 64:
        raise UsageError(f"A machine can be 1 to 64 workers, not {asked.processes}.", "Say --processes N.")
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    say(f"waiting for a master at {asked.address}:{asked.port}")
    met = False
    while _await_master(asked, met=met):
        statuses = set(_take_part(asked))
        if messages.WAS_REFUSED in statuses:
            raise RoadtestError("The master refused this worker.", "See above why.")
        leaving = inf
        if statuses & {messages.SERVED, messages.NO_MORE}:
            say("took part in a load")
            if messages.NO_MORE in statuses and not asked.stay:
                return
            leaving = LEAVING_SECONDS
        elif NOT_ANSWERED in statuses and not met:
            raise MachineError(f"What answers at {asked.address}:{asked.port} is no master of a grid.")
        else:
            status = statuses.pop()
            told = "lost its master" if status == messages.LOST_MASTER else f"ended with status {status}"
            say(f"a worker's process {told}; waiting for the next load")
        met = True
        if _await_absence(asked, leaving) == OVER:
            break
    say("the run is over")


def _await_absence(asked: Joining, seconds: float) -> str:
    """Until the master of the last load is gone: what is there instead, as `_absence` says it."""
    deadline = time.monotonic() + seconds
    while not (why := _absence(asked, met=True)) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
    return why


def _absence(asked: Joining, *, met: bool) -> str:
    """Why there is no master at its address, empty where something answers there; `OVER` where the run that this worker
    has ``met`` is: each of its processes tells the master's side that it knows, by a byte."""
    try:
        with socket.create_connection((asked.address, asked.port), timeout=2.0) as way:
            with contextlib.suppress(TimeoutError):  # it is there, and says nothing
                if way.recv(len(messages.RUN_IS_OVER)) == messages.RUN_IS_OVER:
                    if not met or asked.stay:
                        return "another run ends there"
                    way.sendall(b"." * asked.processes)
                    return OVER
            return ""
    except OSError as error:
        return str(error.strerror or error)


def _await_master(asked: Joining, *, met: bool) -> bool:
    """Until something listens there: true. False as soon as the run that was ``met`` is said to be over."""
    deadline = time.monotonic() + asked.wait_seconds
    while why := _absence(asked, met=met):
        if why == OVER:
            return False
        if time.monotonic() > deadline:
            raise MachineError(
                f"No master answered at {asked.address}:{asked.port} within {asked.wait_seconds:g} s ({why}).",
                f"Start it: ./noxw -s load -- --grid {asked.address}:{asked.port} --workers N; or is a firewall in "
                "between?",
            )
        time.sleep(LOOK_EVERY)
    return True


def _take_part(asked: Joining) -> list[int]:
    """One load; the exit status of each process."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--worker", "--loglevel", "ERROR"),
        *("--master-host", asked.address, "--master-port", str(asked.port)),
        *(("--keep", str(asked.keep)) if asked.keep else ()),
    ]
    with _ended_with_us() as processes:
        for _ in range(asked.processes):
            processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=generator_environment()
                )
            )
        return [process.wait() for process in processes]


@contextlib.contextmanager
def _ended_with_us() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are told to leave their master when this one is interrupted, and do not outlive it."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
