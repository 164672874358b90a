"""Cells of one run at the same time: in order on the terminal, and no more of them than asked for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from clusters.embedded import machine
from clusters.provider import Cluster
from conformance import at_once
from conformance import cell as conformance_cell
from conformance.at_once import Cells
from conformance.options import parse
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


ENDED = """
import pathlib, subprocess, sys, time
from clusters.interruption import interrupt_once
from conformance.children import call, follow_parent
folder, name, child = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
interrupt_once()
follow_parent()
try:
    (folder / f"{name}.made").touch()
    call([sys.executable, "-c", *child]) if child else time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
finally:
    for step in range(20):  # long enough for every other signal to come
        subprocess.run(["sleep", "0.05"], check=True)
    (folder / f"{name}.removed").touch()
"""
RUNNING = """
import pathlib, signal, sys
from conformance.at_once import Cells
signal.signal(signal.SIGTERM, signal.{handler})
folder, ended = pathlib.Path(sys.argv[1]), sys.argv[2]
child = [ended, str(folder), "child"]
commands = {{name: [sys.executable, "-c", ended, str(folder), name, *more] for name, more in (("a", child), ("b", []))}}
Cells(folder / "cells", 2).run("a", commands)
"""


@pytest.mark.parametrize(
    ("number", "handler", "group"),
    [
        pytest.param(signal.SIGTERM, "default_int_handler", True, id="SIGTERM to all"),
        pytest.param(signal.SIGTERM, "default_int_handler", False, id="SIGTERM to nox"),
        pytest.param(signal.SIGTERM, "SIG_DFL", True, id="SIGTERM to all, which kills nox"),
        pytest.param(signal.SIGINT, "default_int_handler", True, id="Ctrl-C"),
        pytest.param(signal.SIGHUP, "SIG_DFL", True, id="hang-up, which kills nox"),
        pytest.param(signal.SIGKILL, "SIG_DFL", False, id="SIGKILL to nox"),
    ],
)
def test_every_cell_removes_what_it_made_whatever_ends_the_run(
    tmp_path: Path, number: signal.Signals, handler: str, group: bool
) -> None:
    """Whoever ends the whole group ends each of them twice: by this signal, and by the one of its parent's end."""
    command = [sys.executable, "-c", RUNNING.format(handler=handler), str(tmp_path), ENDED]
    process = subprocess.Popen(command, start_new_session=True, cwd=Path(__file__).parents[1])
    try:
        wait_for(tmp_path, "a.made", "b.made", "child.made")
        (os.killpg if group else os.kill)(process.pid, number)
        assert process.wait(30) != 0
        wait_for(tmp_path, "a.removed", "b.removed", "child.removed")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(folder: Path, *marks: str) -> None:
    deadline = time.monotonic() + 30
    while missing := [mark for mark in marks if not (folder / mark).exists()]:
        assert time.monotonic() < deadline, missing
        time.sleep(0.02)


def test_a_cell_that_waits_to_remove_its_cluster_removes_it_when_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = SimpleNamespace(name="a")
    there, seconds = ["a"], dict[str, float]()
    monkeypatch.setattr("clusters.delete", there.remove)
    monkeypatch.setattr("clusters.provider_for", lambda _cluster: SimpleNamespace(names=lambda: there))
    with on_machine(tmp_path, alone=True):
        timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
        timer.start()
        conformance_cell.remove(cast("Cluster", cluster), parse("cell", ["--run", str(tmp_path)]), seconds)
        timer.join()
    assert (there, seconds) == ([], {})
    there.append("a")
    conformance_cell.remove(cast("Cluster", cluster), parse("cell", ["--run", str(tmp_path)]), seconds)
    assert (there, list(seconds)) == ([], ["delete"])


def turn(folder: Path, *, alone: bool) -> list[str]:
    """A command that takes its turn on the machine, and ends."""
    script = (
        "from pathlib import Path; from fixtures.turns import on_machine\n"
        f"with on_machine(Path({str(folder)!r}), {alone=}): pass"
    )
    return [sys.executable, "-c", script]


def test_who_measures_has_the_machine_alone(tmp_path: Path) -> None:
    with on_machine(tmp_path, alone=False), on_machine(tmp_path, alone=False):
        assert subprocess.run(turn(tmp_path, alone=False), check=False).returncode == 0
    with on_machine(tmp_path, alone=True):
        judge = subprocess.Popen(turn(tmp_path, alone=False))
        with pytest.raises(subprocess.TimeoutExpired):
            judge.wait(1.5)
    assert judge.wait(30) == 0


def test_who_measures_waits_for_what_takes_long_without_keeping_the_others_waiting(tmp_path: Path) -> None:
    with on_machine(tmp_path, alone=False, long=True):
        measurer = subprocess.Popen(turn(tmp_path, alone=True))
        with pytest.raises(subprocess.TimeoutExpired):
            measurer.wait(1.5)
        assert subprocess.run(turn(tmp_path, alone=False), check=False, timeout=30).returncode == 0
    assert measurer.wait(30) == 0


@pytest.mark.parametrize(
    ("instances", "memory", "width", "told"),
    [
        ("100000", 0, 2, ""),
        ("100", 0, 1, "sysctl -w fs.inotify.max_user_instances=1024"),
        ("100000", 2**60, 1, "GiB of memory"),
        ("none", 0, 1, "cannot be read"),
    ],
    ids=["two", "inotify", "memory", "unreadable"],
)
def test_a_machine_that_keeps_to_one_cell_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instances: str, memory: int, width: int, told: str
) -> None:
    (tmp_path / "limit").write_text(instances, encoding="utf-8")
    monkeypatch.setattr(at_once, "INOTIFY_LIMIT", tmp_path / "limit")
    monkeypatch.setattr(at_once, "MEMORY_FOR_TWO", memory)
    assert at_once.default_width() == width
    assert told in at_once.keeps_to_one()
    assert bool(at_once.keeps_to_one()) == (width == 1)


def test_what_is_held_is_counted() -> None:
    before = at_once.inotify_held()
    descriptor = ctypes.CDLL(None).inotify_init1(os.O_CLOEXEC)
    try:
        assert at_once.inotify_held() == before + 1
    finally:
        os.close(descriptor)


def test_two_clusters_want_what_the_provider_counts() -> None:
    nodes = parse("cell", ["--run", "runs/a", "--mode", "iptables", "--controller", "none"]).nodes
    assert 2 * (nodes * machine.INOTIFY_PER_NODE + machine.INOTIFY_BESIDES) == at_once.INOTIFY_FOR_TWO
