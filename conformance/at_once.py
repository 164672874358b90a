"""Cells of one run at the same time: while one waits, another has the machine. See `fixtures.turns.on_machine`.

Only the standard library: the noxfile imports it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CLEAN_UP_SECONDS = 60
"""How long an interrupted command may take to remove what it made."""
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_FOR_TWO = 120
"""What the processes of two clusters of three nodes may hold, by the provider's own count; 84 were seen. Linux gives a
user 128 by default."""
GIB = 2**30
MEMORY_FOR_TWO = 12 * GIB


def keeps_to_one() -> str:
    """Why this machine runs one cell at a time, unless told otherwise, and the cure; empty where it runs two."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < MEMORY_FOR_TWO:
        return f"{memory / GIB:.0f} GiB of memory, and two clusters want {MEMORY_FOR_TWO // GIB}"
    try:
        left = int(INOTIFY_LIMIT.read_text(encoding="utf-8")) - inotify_held()
    except (OSError, ValueError):
        return f"{INOTIFY_LIMIT} cannot be read"
    if left < INOTIFY_FOR_TWO:
        return (
            f"{left} inotify instances are left to this user, and two clusters want {INOTIFY_FOR_TWO}; "
            "two run at once after: sysctl -w fs.inotify.max_user_instances=1024"
        )
    return ""


def inotify_held() -> int:
    """How many inotify instances this user's processes hold. To try how many are left would disturb them."""
    held, user = 0, os.geteuid()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if process.stat().st_uid == user:
                held += sum(is_inotify(descriptor) for descriptor in (process / "fd").iterdir())
    return held


def is_inotify(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()) == "anon_inode:inotify"
    except OSError:
        return False


def default_width() -> int:
    """How many cells run at once where the user does not say it: two, where this machine has what they take."""
    return 1 if keeps_to_one() else 2


class Cells:
    """The cells of this invocation: some of them begun, each with its output in a file."""

    def __init__(self, folder: Path, width: int) -> None:
        self._folder, self._width = folder, width
        self._begun: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str, commands: Mapping[str, Sequence[str]]) -> int:
        """Show one cell from its beginning to its end; its exit status. Negative: the signal that killed it.

        ``commands``: this cell and those that come after it, in their order. As many as may run at once are begun.
        """
        try:
            self._begin(name, commands[name])
            with self._log(name).open("rb") as told:
                while True:
                    over = self._begun[name].poll() is not None  # before the file is read to its end
                    self._fill(commands)
                    if said := told.read():
                        sys.stdout.buffer.write(said)
                        sys.stdout.flush()
                    elif over:
                        return self._begun[name].returncode
                    else:
                        time.sleep(0.1)
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> None:
        """End the cells that still run, and wait until they have removed what they made; after a while they are killed.

        A cell heeds one signal: where Ctrl-C at the terminal has reached it already, this one changes nothing.
        """
        for process in self._running():
            process.terminate()
        deadline = time.monotonic() + CLEAN_UP_SECONDS
        for process in self._running():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()

    def _fill(self, commands: Mapping[str, Sequence[str]]) -> None:
        for name, command in commands.items():
            if len(self._running()) >= self._width:
                return
            self._begin(name, command)

    def _begin(self, name: str, command: Sequence[str]) -> None:
        if name not in self._begun:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._log(name).open("wb") as log:
                self._begun[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def _running(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self._begun.values() if process.poll() is None]

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"
