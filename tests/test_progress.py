"""Progress in a log and in a terminal, and where things are kept."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import platformdirs
import pytest
from rich.console import Console

from clusters import paths
from clusters.progress import LineProgress, Progress, RichProgress, SilentProgress, amounts, progress_for_terminal


def test_a_log_gets_whole_lines_with_times() -> None:
    log = io.StringIO()
    progress = LineProgress(log)
    threads = [threading.Thread(target=progress.say, args=(f"line {number} [bold]",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = log.getvalue().splitlines()
    assert sorted(line.split(" s  ")[1] for line in lines) == sorted(f"line {number} [bold]" for number in range(20))


def test_a_short_task_says_nothing_and_a_long_one_how_far_it_is() -> None:
    log = io.StringIO()
    with LineProgress(log, line_seconds=1000).task("short", 2) as task:
        task.advance(1)
    assert log.getvalue() == ""
    with LineProgress(log, line_seconds=0).task("long", 2e6, "B") as task:
        task.advance(1e6)
        task.note("at the middle")
    assert "long: 1.0/2.0 MB, 0 s" in log.getvalue()
    assert "(at the middle)" in log.getvalue()
    assert "long: done in 0 s" in log.getvalue()


def test_a_terminal_keeps_what_is_said_and_drops_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb one has no bars
    screen = io.StringIO()
    progress = RichProgress(Console(file=screen, force_terminal=True, width=120))
    with progress.bars:
        with progress.task("download [1]", unit="B") as task:
            task.total(100)
            task.advance(50)
            task.note("half [/bold]")
            progress.bars.refresh()
            progress.say("said [x] and kept")
        assert progress.bars.tasks == []
    assert "said [x] and kept" in screen.getvalue()
    assert "download [1]" in screen.getvalue()


def test_without_a_terminal_lines_are_written() -> None:
    with progress_for_terminal(io.StringIO()) as progress:
        assert isinstance(progress, LineProgress)


def test_silence_takes_everything() -> None:
    progress: Progress = SilentProgress()
    progress.say("nothing")
    with progress.task("nothing") as task:
        task.total(1)
        task.advance(1)
        task.note("nothing")


@pytest.mark.parametrize(
    ("done", "total", "unit", "expected"),
    [(1, 3, "packages", "1/3 packages"), (1, None, "", "1"), (5e6, None, "B", "5.0 MB"), (5e6, 8e6, "B", "5.0/8.0 MB")],
)
def test_amounts_read_as_people_write_them(done: float, total: float | None, unit: str, expected: str) -> None:
    assert amounts(done, total, unit) == expected


def test_folders_follow_the_variables_and_else_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROADTEST_CACHE", str(tmp_path / "c"))
    monkeypatch.delenv("ROADTEST_STATE", raising=False)
    assert paths.cache_folder() == tmp_path / "c"
    assert paths.state_folder() == platformdirs.user_state_path("roadtest")
