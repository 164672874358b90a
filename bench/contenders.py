"""Who is compared: each sends GET / over 64 connections that are kept alive, from one core, for some seconds."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.targets import BenchError, Served
from loadprofiles.carrier import carry
from loadprofiles.engine.plan import Plan

CONNECTIONS = 64
WARMUP = 1.0
START_SECONDS = 30.0


@dataclass(frozen=True)
class Speed:
    """What one block gave."""

    rate: float
    """Answered requests per second."""
    client_cpu: float
    """Of one core; start-up not counted where it can be told apart."""
    server_cpu: float
    """Of one core."""


@dataclass(frozen=True)
class Contender:
    """A generator: its name, and how it runs for some seconds."""

    name: str
    run: Callable[[Served, float], Speed]


def contenders() -> list[Contender]:
    """Ours twice (an A/A pair), Locust's two, and wrk where it is installed."""
    found = [
        Contender("roadtest", _ours),
        Contender("FastHttpUser", lambda served, seconds: _locust("Fast", served, seconds)),
        Contender("HttpUser", lambda served, seconds: _locust("Plain", served, seconds)),
        Contender("roadtest again", _ours),
    ]
    if shutil.which("wrk"):
        found.insert(1, Contender("wrk", _wrk))
    return found


def plan(port: int, **changes: object) -> Plan:
    """A saturating plan against a loopback port, with changes."""
    settings: dict[str, object] = {
        "name": "bench",
        "address": "127.0.0.1",
        "port": port,
        "request": f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "shape": "saturation",
        "users": CONNECTIONS,
        "keep_alive": True,
        "warmup_seconds": WARMUP,
        "seconds": 4.0,
        "timeout_seconds": 5.0,
    }
    return Plan(**(settings | changes))  # type: ignore[arg-type]


def _ours(served: Served, seconds: float) -> Speed:
    watch = _Watch(served)
    measured = carry(plan(served.port, seconds=seconds))
    if measured.errors:
        raise BenchError(f"roadtest: {measured.errors}")
    server_cpu = watch.server_seconds() / (seconds + WARMUP)
    return Speed(
        rate=sum(measured.completions) / measured.seconds, client_cpu=measured.cpu_share, server_cpu=server_cpu
    )


def _wrk(served: Served, seconds: float) -> Speed:
    watch = _Watch(served)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds + WARMUP:.0f}s", f"http://127.0.0.1:{served.port}/"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if found is None or "Socket errors" in output:
        raise BenchError(f"wrk: {output}")
    wall = watch.wall()
    return Speed(float(found[1]), watch.client_seconds() / wall, watch.server_seconds() / wall)


def _locust(user: str, served: Served, seconds: float) -> Speed:
    watch = _Watch(served)
    command = [
        *(sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / "locust_users.py"), user, "--headless"),
        *("--only-summary", "--loglevel", "ERROR", "--json", "--host", f"http://127.0.0.1:{served.port}"),
        *("--users", str(CONNECTIONS), "--spawn-rate", str(CONNECTIONS), "--run-time", f"{seconds + WARMUP + 1:.0f}s"),
    ]
    output = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds + START_SECONDS,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    ).stdout
    entry = json.loads(output[output.index("[") :])[0]
    if entry["num_failures"]:
        raise BenchError(f"{user}: {entry['num_failures']} failures")
    per_second = [count for _, count in sorted(entry["num_reqs_per_sec"].items(), key=lambda item: int(item[0]))]
    whole = per_second[1:-1]  # the first and last are parts of seconds, and the warm-up
    return Speed(sum(whole) / len(whole), watch.client_seconds() / watch.wall(), watch.server_seconds() / watch.wall())


class _Watch:
    """CPU and wall time since now."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._server, self._client, self._began = served.cpu_seconds, self._children(), time.monotonic()

    @staticmethod
    def _children() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def wall(self) -> float:
        return time.monotonic() - self._began

    def client_seconds(self) -> float:
        return self._children() - self._client

    def server_seconds(self) -> float:
        return self._served.cpu_seconds - self._server
