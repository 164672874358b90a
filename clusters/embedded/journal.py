"""What a cluster's creation is about to make, written down before it is made."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from .processes import Process

JOURNAL = "journal.jsonl"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal."""

    at: float
    """Unix time, seconds."""
    about_to: str = ""
    """``folder``, ``namespace`` or ``process``."""
    what: str
    started: int = 0
    """Process id, once a process runs."""
    start_time: int = 0
    """Its start, clock ticks since boot (/proc/PID/stat): with the id it names a process for good."""


class Journal:
    """Append-only; a line is whole or not there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def about_to(self, kind: str, what: str) -> None:
        self._write(Entry(at=time.time(), about_to=kind, what=what))

    def started(self, process: Process) -> None:
        what = f"{process.place} {process.name}"
        self._write(Entry(at=time.time(), what=what, started=process.pid, start_time=process.started))

    def processes(self) -> dict[int, int]:
        """Process id → start time of every process that was started."""
        return {entry.started: entry.start_time for entry in self.entries() if entry.started}

    def entries(self) -> list[Entry]:
        """Every whole line; nothing where there is no journal."""
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Entry))
            except msgspec.DecodeError:
                continue  # a line that a killed process did not finish
        return found

    def _write(self, entry: Entry) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, msgspec.json.encode(entry) + b"\n")
        finally:
            os.close(descriptor)
