"""SIGTERM and Ctrl-C end a run the same way: as `KeyboardInterrupt`, so that everything made is removed."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

CLEAN_UP_SECONDS = 45
"""How long an interrupted child may take to remove what it made before it is killed."""


def terminate_as_interrupt() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def call(command: Sequence[str]) -> int:
    """Run a command to its end and return its exit status; when interrupted, interrupt it and wait for its clean-up.

    Where util-linux is there, the command also gets SIGTERM when this process is killed: nothing goes on judging.
    """
    setpriv = shutil.which("setpriv")
    with subprocess.Popen([*([setpriv, "--pdeathsig", "TERM"] if setpriv else []), *command]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # A Ctrl-C at the terminal has reached the child already; a SIGTERM to us has not.
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(CLEAN_UP_SECONDS)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
            raise


def follow_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent dies, so that a killed nox leaves nothing running.

    prctl(2), PR_SET_PDEATHSIG; elsewhere than on Linux nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
