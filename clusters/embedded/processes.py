"""The processes of a cluster while it comes up: are they alive, and what did they say last."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from clusters.errors import ClusterError

LAST_LINES = 8


class Process:
    """A process that we started in a compartment."""

    def __init__(self, *, name: str, place: str, popen: subprocess.Popen[bytes], log: Path | None) -> None:
        self.name = name
        self.place = place
        self.log = log
        self.popen = popen

    @property
    def pid(self) -> int:
        """As this machine counts."""
        return self.popen.pid


def check_alive(processes: Iterable[Process]) -> None:
    """Raise `ClusterError` for the first process that has ended, with the last lines that it wrote."""
    for process in processes:
        status = process.popen.poll()
        if status is not None:
            end = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            said = last_lines(process.log, LAST_LINES) if process.log else ""
            raise ClusterError(
                f"{process.name} in {process.place} {end} while the cluster came up.",
                f"Its last lines:\n{said}" if said else "It wrote nothing.",
            )


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
