"""Through Locust as it is really run: a process of its own, and workers under a master."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from clusters.errors import UsageError
from loadprofiles import carrier
from loadprofiles.carrier import GeneratorError, Outcome, carry
from loadprofiles.engine import validity
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Plan
from tests.load_servers import server

T = TypeVar("T")


def a_plan(port: int, **changes: Any) -> Plan:
    settings: dict[str, Any] = {
        "name": "test",
        "address": "127.0.0.1",
        "port": port,
        "request": "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
        "shape": "arrival-rate",
        "rate": 500.0,
        "keep_alive": True,
        "warmup_seconds": 0.1,
        "seconds": 0.5,
        "timeout_seconds": 1.0,
    }
    return Plan(**(settings | changes))


def test_workers_figures_merge_to_one_and_none_is_lost() -> None:
    with server("good") as port:
        measured = carry(a_plan(port, users=2, processes=2))
    assert (measured.processes, measured.requests, measured.answered, measured.trouble) == (2, 250, 250, "")
    assert merged(map(Histogram.decode, measured.latency)).total == 250
    assert Histogram.decode(measured.lag).total == 250
    assert measured.begun_total == measured.ended_total == 300
    assert measured.conditions["kernel"]


def test_a_worker_that_did_not_report_makes_the_rest_void(tmp_path: Path) -> None:
    """The master's own code, with one report of two; importing Locust patches a process, so it is another one."""
    plan = a_plan(1, users=2, processes=2, rate=4.0, outcome=str(tmp_path / "outcome.json"))
    script = """
import sys
from types import SimpleNamespace
import msgspec
from loadprofiles.engine import locustfile
from loadprofiles.engine.plan import Measurement

carrier = locustfile.Carrier(SimpleNamespace(parsed_options=SimpleNamespace(plan=sys.argv[1]), runner=None))
for user, worker in enumerate(sys.argv[2:]):
    one = Measurement(
        seconds=1, requests=1, answered=1, errors={}, latency=[], completions=[1], lag="", begun_total=1, ended_total=1,
        connections=1, cpu_share=0, steal_share=0, users=[user],
    )
    carrier.hear(worker, {locustfile.REPORT: {"measured": msgspec.json.encode(one).decode(), "trouble": ""}})
carrier.write()
"""

    def told(*workers: str) -> Outcome:
        arguments = [sys.executable, "-c", script, msgspec.json.encode(plan).decode(), *workers]
        subprocess.run(arguments, cwd=carrier.ROOT, check=True)
        return msgspec.json.decode(Path(plan.outcome).read_bytes(), type=Outcome)

    lost, whole = told("a"), told("a", "b")
    assert lost.measured is not None
    assert "1 of 2 processes" in validity.void(plan, lost.measured)
    assert whole.measured is not None
    assert (whole.trouble, whole.measured.trouble, whole.measured.requests) == ("", "", 2)


def test_locust_s_own_statistics_see_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: list[str] = []
    run = carrier._run

    def listening(command: list[str], limit: float, tell: Callable[[str], object]) -> tuple[int, str]:
        status, output = run(command, limit, tell)
        outputs.append(output)
        return status, output

    monkeypatch.setattr(carrier, "_run", listening)
    with server("unavailable") as port:
        measured = carry(a_plan(port, shape="saturation", rate=0.0, users=2))
    assert measured.errors.keys() == {"bad-status"}
    total = next(line for line in outputs[0].splitlines() if "Aggregated" in line)
    assert f"{measured.begun_total} " in total
    assert "(100.00%)" in total
    assert "bad-status" in outputs[0]


def test_a_foreign_target_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "_run", lambda *_: pytest.fail("something was started"))
    with pytest.raises(UsageError, match="refused"):
        carry(a_plan(80, address="10.0.0.1"))


def test_the_locustfile_itself_refuses_a_foreign_target(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan(80, address="10.0.0.1")
    monkeypatch.setattr(Plan, "check", lambda self: self)
    with pytest.raises(GeneratorError, match="is refused"):
        carry(plan)


def test_a_generator_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "START_SECONDS", -1.0)
    with server("good") as port, pytest.raises(GeneratorError, match="did not end"):
        carry(a_plan(port))


@pytest.mark.parametrize("early", [0.0, 1.0], ids=["while it starts", "later"])
def test_a_killed_command_leaves_no_generator_behind(early: float, tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from tests.test_load_locust import a_plan; from loadprofiles.carrier import carry;"
        "carry(a_plan(int(sys.argv[1]), seconds=60.0), '', pathlib.Path(sys.argv[2]))"
    )
    with server("good") as port:
        command = subprocess.Popen([sys.executable, "-c", script, str(port), str(tmp_path)], cwd=carrier.ROOT)
        try:
            generator = within(20, lambda: children(command.pid))[0]
            time.sleep(early)
        finally:
            command.kill()
            command.wait()
        within(20, lambda: not Path(f"/proc/{generator}").exists() or state(generator) == "Z")


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def within(seconds: float, look: Callable[[], T]) -> T:
    """What ``look`` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen
