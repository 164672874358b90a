"""A grid as it is really run, on loopback: a master that listens, workers that come to it, and what becomes of a load
when one of them is another version, too many, or dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from loadprofiles import carrier
from loadprofiles.carrier import TooFewWorkersError, carry
from loadprofiles.engine import validity
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Measurement
from loadprofiles.grid import Grid
from tests.load_servers import server
from tests.test_load_grid import free_port
from tests.test_load_locust import a_plan, children

LOCUST = "import locust.main as it; sys.argv = ['locust', *sys.argv[1:]]; it.main()"
OTHER_VERSION = f"import sys; from loadprofiles.engine import version; version.digest = lambda: 'other'; {LOCUST}"


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=carrier.ROOT,
        env=carrier.generator_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()  # it ends its own
        process.communicate()


def a_worker(port: int, *options: str) -> list[str]:
    return ["-m", "loadprofiles", "worker", "--master", f"127.0.0.1:{port}", *options]


def at(port: int, workers: int) -> Grid:
    return Grid(workers=workers, address="127.0.0.1", port=port)


def test_what_workers_kept_is_exactly_what_the_master_merged(tmp_path: Path) -> None:
    """A worker of another version comes first; it is refused, and not counted."""
    told: list[str] = []
    port = free_port()
    worker = ["-f", str(carrier.LOCUSTFILE), "--worker", "--master-port", str(port)]
    with (
        server("sometimes-reset") as target,
        started("-c", OTHER_VERSION, *worker) as other,
        started(*a_worker(port, "--processes", "2", "--keep", str(tmp_path))) as two,
    ):
        plan = a_plan(target, users=3, processes=2, rate=200.0, seconds=1.0, wait_seconds=60.0)
        whole = carry(plan, grid=at(port, 2), tell=told.append)
        assert two.wait(20) == 0
        assert other.wait(20) == 2
        assert other.stdout is not None
        assert "Use the same version of Roadtest on both machines." in other.stdout.read()
    parts = [msgspec.json.decode(path.read_bytes(), type=Measurement) for path in tmp_path.glob("*.json")]
    errors = Counter[str]()
    for part in parts:
        errors.update(part.errors)
    assert len(parts) == whole.processes == 2
    assert [
        merged(Histogram.decode(part.latency[block]) for part in parts).encode() for block in range(plan.blocks)
    ] == whole.latency
    assert merged(Histogram.decode(part.lag) for part in parts).encode() == whole.lag
    assert whole.trouble == ""
    assert sum(part.requests for part in parts) == whole.requests == 200 == whole.answered + sum(errors.values())
    assert dict(errors) == whole.errors
    assert errors["reset"] > 0
    assert sum(part.begun_total for part in parts) == whole.begun_total == whole.ended_total
    assert sorted(user for part in parts for user in part.users) == [0, 1, 2]
    assert told[-2:] == ["all 2 workers are here", "the load begins"]
    assert len([line for line in told if "was refused" in line]) == 1


def test_a_worker_that_dies_in_the_middle_makes_the_load_void() -> None:
    killed: list[int] = []

    def kill_one(told: str) -> None:
        if told == "the load begins":
            (master,) = [pid for pid in children(os.getpid()) if b"locustfile.py" in command_line(pid)]
            killed.append(children(master)[0])
            threading.Timer(1.0, os.kill, (killed[0], signal.SIGKILL)).start()

    with server("good") as target:
        plan = a_plan(target, users=3, processes=3, rate=200.0, seconds=2.0, silence_seconds=3.0)
        measured = carry(plan, tell=kill_one)
    assert measured.processes == 2
    assert 0 < measured.requests < 400
    assert validity.void(plan, measured) == f"of 3 workers 1 was lost (127.0.0.1, process {killed[0]})"


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_load_without_its_workers_says_how_many_came_and_what_to_type() -> None:
    port = free_port()
    with started(*a_worker(port)) as one:
        with pytest.raises(TooFewWorkersError) as refusal:
            carry(a_plan(1, users=2, processes=2, wait_seconds=2.0), grid=at(port, 2))
        assert one.poll() is None, "it may wait for the next try"
    assert one.returncode == 130
    assert refusal.value.cause in {f"{here} of 2 workers came within 2 s." for here in (0, 1)}
    assert refusal.value.cure == f"On each other machine: ./noxw -s worker -- --master 127.0.0.1:{port}"


def test_a_worker_refuses_a_foreign_target_whatever_its_master_says() -> None:
    """A worker's own code on a plan that its master let pass; importing Locust patches a process: it is another one."""
    script = """
import sys
from types import SimpleNamespace
from loadprofiles.engine.locustfile import Carrier

worker = Carrier(SimpleNamespace(parsed_options=SimpleNamespace(plan=sys.argv[1]), runner=None))
worker.member = SimpleNamespace(share=lambda users: sys.exit("it takes part"))
worker._carry()
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", script, msgspec.json.encode(a_plan(9, address=address)).decode()],
            cwd=carrier.ROOT,
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        for address in ("192.0.2.1", "127.0.0.1")
    ]
    assert "Load to 192.0.2.1 is refused" in told[0]
    assert "it takes part" in told[1]


def test_a_worker_without_its_master_stops_sending() -> None:
    script = """
import sys
from types import SimpleNamespace
from locust.stats import RequestStats
from loadprofiles.engine.locustfile import Carrier

for silence in (9.9, 10.1):
    runner = SimpleNamespace(stats=RequestStats())
    worker = Carrier(SimpleNamespace(parsed_options=SimpleNamespace(plan=sys.argv[1]), runner=runner))
    worker.member = SimpleNamespace(share=range, start_time=lambda: 0.0, silence=silence)
    worker._carry()
    print(worker.measured.requests, worker.measured.trouble)
"""
    with server("good") as target:
        plan = msgspec.json.encode(a_plan(target, rate=100.0, warmup_seconds=0.0)).decode()
        told = subprocess.check_output([sys.executable, "-c", script, plan], cwd=carrier.ROOT, text=True).splitlines()
    assert told[0] == "50 "
    assert told[1].endswith(" the master was not heard for 10 s")
    assert int(told[1].split()[0]) < 50
