"""What is being done, how far it is and how long it takes, for whoever watches: a terminal, a log file, or nobody."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

import rich.progress
from rich.console import Console
from rich.markup import escape

LINE_SECONDS = 15.0
"""Without a terminal, a task that lasts says how far it is this often."""
WIDTH_WITHOUT_TERMINAL = 160


class Task(Protocol):
    """One thing being done."""

    def advance(self, amount: float) -> None:
        """So much more of it is done."""
        ...

    def note(self, text: str) -> None:
        """What it is at just now; replaces the note before."""
        ...

    def total(self, total: float) -> None:
        """How much there is to do, where that is only known later."""
        ...


class Progress(Protocol):
    """Told from any thread."""

    def say(self, text: str) -> None:
        """A line that stays."""
        ...

    def task(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        """A bar that lasts as long as the block; ``unit`` ``"B"`` means bytes."""
        ...


class SilentProgress:
    """Tells nobody."""

    def say(self, text: str) -> None:
        pass

    def task(self, title: str, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        del title, total, unit
        return contextlib.nullcontext(_SilentTask())


class _SilentTask:
    def advance(self, amount: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def total(self, total: float) -> None:
        pass


class LineProgress:
    """Whole lines, each with the time since the start, for logs and pipes."""

    def __init__(self, stream: TextIO, line_seconds: float = LINE_SECONDS) -> None:
        self._stream = stream
        self._line_seconds = line_seconds
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        seconds = time.monotonic() - self._began
        with self._lock:
            self._stream.write(f"{seconds:7.1f} s  {text}\n")
            self._stream.flush()

    @contextlib.contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        task = _LineTask(self, title, total, unit, self._line_seconds)
        yield task
        if task.spoke:
            self.say(f"{title}: done in {task.seconds():.0f} s")


class _LineTask:
    def __init__(self, progress: LineProgress, title: str, total: float | None, unit: str, line_seconds: float) -> None:
        self.spoke = False
        self._progress = progress
        self._title = title
        self._total = total
        self._unit = unit
        self._line_seconds = line_seconds
        self._done = 0.0
        self._note = ""
        self._began = self._spoken = time.monotonic()
        self._lock = threading.Lock()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount
        self._speak()

    def note(self, text: str) -> None:
        self._note = text
        self._speak()

    def total(self, total: float) -> None:
        self._total = total

    def _speak(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._spoken < self._line_seconds:
                return
            self._spoken = now
            self.spoke = True
            text = f"{self._title}: {amounts(self._done, self._total, self._unit)}, {self.seconds():.0f} s"
        self._progress.say(f"{text} ({self._note})" if self._note else text)


class RichProgress:
    """Bars in a terminal; what is said stays above them."""

    def __init__(self, console: Console) -> None:
        self.bars = rich.progress.Progress(
            rich.progress.SpinnerColumn(),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(bar_width=24),
            rich.progress.TextColumn("{task.fields[amounts]}"),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
        )

    def say(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False)

    @contextlib.contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        bar = self.bars.add_task(escape(title), total=total, amounts="", note="")
        try:
            yield _RichTask(self.bars, bar, total, unit)
        finally:
            self.bars.remove_task(bar)


class _RichTask:
    def __init__(self, bars: rich.progress.Progress, bar: rich.progress.TaskID, total: float | None, unit: str) -> None:
        self._bars = bars
        self._bar = bar
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._lock = threading.Lock()

    def advance(self, amount: float) -> None:
        with self._lock:
            self._done += amount
            self._bars.update(self._bar, completed=self._done, amounts=amounts(self._done, self._total, self._unit))

    def note(self, text: str) -> None:
        self._bars.update(self._bar, note=escape(text))

    def total(self, total: float) -> None:
        self._total = total
        self._bars.update(self._bar, total=total)


def amounts(done: float, total: float | None, unit: str) -> str:
    """``12/230 packages``, ``3.1/80.2 MB``."""
    if unit == "B":
        done, total, unit = done / 1e6, total and total / 1e6, "MB"
        of = f"/{total:.1f}" if total else ""
        return f"{done:.1f}{of} {unit}"
    of = f"/{total:.0f}" if total else ""
    return f"{done:.0f}{of} {unit}".rstrip()


def console_for_tables() -> Console:
    """Standard output; where it is no terminal, wide enough for a table that nobody has to unfold."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_WITHOUT_TERMINAL)


@contextlib.contextmanager
def progress_for_terminal(stream: TextIO | None = None) -> Iterator[Progress]:
    """Bars where standard error is a terminal, lines where it is not; standard output stays the commands' own."""
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield LineProgress(stream)
        return
    progress = RichProgress(Console(file=stream))
    with progress.bars:
        yield progress
