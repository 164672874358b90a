"""Processes as the kernel tells of them: which one it is, whether it runs, and what it said last."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from clusters.errors import ClusterError

LAST_LINES = 8


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a cluster: by its id and its start, it is this one and no other."""

    name: str
    place: str
    """The network namespace in which it runs."""
    pid: int
    """As this machine counts."""
    started: int
    """Its start, clock ticks since boot."""
    log: Path | None = None


def check_alive(processes: Iterable[Process]) -> None:
    """Raise `ClusterError` for the first process that has ended, with the last lines that it wrote."""
    for process in processes:
        if running_since(process.pid) != process.started:
            said = last_lines(process.log, LAST_LINES) if process.log else ""
            raise ClusterError(
                f"{process.name} in {process.place} ended while the cluster came up.",
                f"Its last lines:\n{said}" if said else "It wrote nothing.",
            )


def start_time(pid: int) -> int:
    """Start of a process in clock ticks since boot, /proc/PID/stat; 0 where there is none."""
    fields = stat(pid)
    return int(fields[19]) if fields else 0


def running_since(pid: int) -> int | None:
    """Start of a process that runs; nothing for one that has ended, even if it is still listed."""
    fields = stat(pid)
    return int(fields[19]) if fields and fields[0] not in {"Z", "X"} else None


def parent(pid: int) -> int:
    """Id of a process's parent; 0 where there is none."""
    fields = stat(pid)
    return int(fields[1]) if fields else 0


def children(pid: int) -> list[int]:
    """Ids of a process's children."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        # A kernel without CONFIG_PROC_CHILDREN.
        every = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
        return [child for child in every if parent(child) == pid]
    return [int(child) for child in listed.split()]


def stat(pid: int) -> list[str]:
    """What /proc/PID/stat says after the program's name: state, parent and so on; empty where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def last_lines(path: Path, count: int) -> str:
    """The last lines of a file, without reading all of it; empty where there is no file."""
    window = 400 * count + 4096
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - window))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
