"""The generator's own conditions, without which its figures cannot be judged: CPU, steal, ports, kernel."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
from pathlib import Path
from time import perf_counter
from typing import Protocol

DIES_WITH_PARENT = "ROADTEST_GENERATOR_DIES_WITH_PARENT"
"""Environment variable: the process id of the command of ours that started the generator."""
_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29


class Window(Protocol):
    """The measured window, in `time.perf_counter` seconds."""

    begin: float
    end: float


class Meter:
    """CPU that this process used, and CPU that was stolen from the machine, over the measured window."""

    def __init__(self) -> None:
        self._first: tuple[float, float, int, int] | None = None
        self._last: tuple[float, float, int, int] | None = None

    def look(self, now: float, window: Window) -> None:
        """Called now and then; reads the counters once at the window's beginning and once at its end."""
        if self._first is None and now >= window.begin:
            self._first = _reading()
        elif self._last is None and now >= window.end:
            self._last = _reading()

    def stop(self) -> None:
        """The load is over."""
        self._first = self._first or _reading()
        self._last = self._last or _reading()

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        if self._first is None or self._last is None or self._last[0] <= self._first[0]:
            return 0.0
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])

    @property
    def steal_share(self) -> float:
        """Of all cores together."""
        if self._first is None or self._last is None or self._last[3] <= self._first[3]:
            return 0.0
        return (self._last[2] - self._first[2]) / (self._last[3] - self._first[3])


def _reading() -> tuple[float, float, int, int]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        ticks = []
    stolen = ticks[7] if len(ticks) > 7 else 0
    return perf_counter(), usage.ru_utime + usage.ru_stime, stolen, sum(ticks)


def prepare(*, on_time: bool) -> dict[str, str]:
    """Fit this process for many connections and, ``on_time``, for sending when it must; say what was done.

    On time means SCHED_FIFO: whoever shares the cores is set aside for the moment that a send takes, as if the
    generator stood on a machine of its own. Without the right to it, or for loads that poll all the time, a nice value.
    """
    done: dict[str, str] = {}
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    done["open files"] = str(hard)
    try:
        if ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0) == 0:
            done["timer slack"] = "1 ns"
    except (OSError, AttributeError):
        done["timer slack"] = "the system's"
    done["scheduling"] = _first_in_line() if on_time else ""
    if not done["scheduling"]:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        done["scheduling"] = f"nice {os.getpriority(os.PRIO_PROCESS, 0)}"
    return done


def _first_in_line() -> str:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return ""
    return "SCHED_FIFO 1"


def die_with_parent(*, worker: bool) -> None:
    """Nothing of ours goes on sending when the command that started it is killed outright."""
    if parent := os.environ.get(DIES_WITH_PARENT):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if not worker and os.getppid() != int(parent):  # it was killed before we asked
            os.kill(os.getpid(), signal.SIGKILL)


def surroundings() -> dict[str, str]:
    """What the figures depend on and the plan does not say. Read inside the network namespace that sends."""
    found = {
        "kernel": platform.release(),
        "cores": str(os.cpu_count()),
        "cores usable": ",".join(map(str, sorted(os.sched_getaffinity(0)))),
        "python": platform.python_version(),
        "connections closed by": "RST (SO_LINGER 0), so neither side keeps TIME_WAIT and source ports are free at once",
        "garbage collection": "off while measuring",
    }
    for name, path in (
        ("source ports", "/proc/sys/net/ipv4/ip_local_port_range"),
        ("tcp_tw_reuse", "/proc/sys/net/ipv4/tcp_tw_reuse"),
        ("congestion control", "/proc/sys/net/ipv4/tcp_congestion_control"),
    ):
        try:
            found[name] = "-".join(Path(path).read_text().split())
        except OSError:
            continue
    return found
