"""Cells of one run at the same time: in order on the terminal, and no more of them than asked for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.at_once import Cells
from fixtures.turns import on_machine


def cell(folder: Path, name: str, *, seconds: float = 0.0, status: int = 0) -> list[str]:
    """A command that leaves a mark when it begins and when it ends."""
    script = (
        "import pathlib, sys, time; "
        f"mark = lambda what: pathlib.Path({str(folder)!r}, {name!r} + what).write_text(str(time.monotonic())); "
        f"mark('.begun'); print('{name} judges', flush=True); time.sleep({seconds}); print('{name} ends'); "
        f"mark('.ended'); sys.exit({status})"
    )
    return [sys.executable, "-c", script]


def at(folder: Path, mark: str) -> float:
    return float((folder / mark).read_text(encoding="utf-8"))


def test_the_next_cell_runs_while_one_waits_and_is_shown_in_its_turn(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cells = Cells(tmp_path / "cells", 2)
    commands = {
        "a": cell(tmp_path, "a", seconds=0.6, status=1),
        "b": cell(tmp_path, "b", seconds=0.3),
        "c": cell(tmp_path, "c"),
    }
    assert cells.run("a", commands) == 1
    assert cells.run("b", {name: commands[name] for name in ("b", "c")}) == 0
    assert cells.run("c", {"c": commands["c"]}) == 0
    told = capfd.readouterr().out.split()
    assert told == [word for name in "abc" for word in (name, "judges", name, "ends")]
    assert at(tmp_path, "b.begun") < at(tmp_path, "a.ended")
    assert at(tmp_path, "c.begun") > at(tmp_path, "b.ended")


def test_one_at_a_time_is_one_at_a_time(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells", 1)
    commands = {"a": cell(tmp_path, "a", seconds=0.3), "b": cell(tmp_path, "b")}
    assert cells.run("a", commands) == 0
    assert not (tmp_path / "b.begun").exists()


def test_what_runs_ahead_is_ended_where_nothing_can_be_run_as_asked(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells", 2)
    commands = {"a": cell(tmp_path, "a", seconds=0.5, status=64), "b": cell(tmp_path, "b", seconds=60)}
    assert cells.run("a", commands) == 64
    began = time.monotonic()
    cells.stop()
    assert time.monotonic() - began < 30
    assert not (tmp_path / "b.ended").exists()


def test_who_measures_has_the_machine_alone(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from fixtures.turns import on_machine\n"
        f"with on_machine(Path({str(tmp_path)!r}), alone=False): pass"
    )
    with on_machine(tmp_path, alone=False), on_machine(tmp_path, alone=False):
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    with on_machine(tmp_path, alone=True):
        judge = subprocess.Popen([sys.executable, "-c", script])
        with pytest.raises(subprocess.TimeoutExpired):
            judge.wait(1.5)
    assert judge.wait(30) == 0
