"""kind itself, run so that it ends with this process and tells how far it is."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from clusters import system_packages
from clusters.errors import ClusterError
from clusters.progress import Task

CURE = "On a slow machine, give it longer: --patience 3."
DECORATION = " •✓✗\n"
"""What kind puts around its steps."""


class Program:
    """The program at ``path``. What it says is told to ``task`` and kept in ``log``."""

    def __init__(self, path: Path, environment: Mapping[str, str], log: Path, task: Task) -> None:
        self.path = path
        self.environment = dict(environment)
        self.log = log
        self.task = task

    def run(self, *words: str, doing: str, seconds: float) -> None:
        """`ClusterError` where it fails at ``doing``, in its own words, or does not end in time."""
        command = [*(system_packages.find("setpriv"), "--pdeathsig", "KILL"), str(self.path), *words]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        said: list[str] = []
        with (
            self.log.open("a", encoding="utf-8") as written,
            subprocess.Popen(
                command,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):  # fmt: skip
            late = threading.Event()

            def end() -> None:
                late.set()
                process.kill()

            alarm = threading.Timer(seconds, end)
            alarm.start()
            try:
                for line in process.stdout or ():
                    written.write(line)
                    said.append(line.strip(DECORATION))
                    if said[-1]:
                        self.task.note(f"kind: {said[-1]}")
            except BaseException:
                process.kill()
                raise
            finally:
                alarm.cancel()
        if late.is_set():
            raise ClusterError(f"kind did not end within {seconds:.0f} s.", CURE)
        if process.returncode:
            errors = [line for line in said if "rror" in line] or said[-3:]
            raise ClusterError(f"kind could not {doing}: {errors[0] if errors else 'it said nothing'}")
