"""Processes that end with who began them, and are given the time to remove what they made.

Only the standard library: the noxfile imports it.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

CLEAN_UP_SECONDS = 45
"""How long an interrupted child may take to remove what it made before it is killed."""


def call(command: Sequence[str], patience: float = CLEAN_UP_SECONDS) -> int:
    """Run a command to its end and return its exit status; when interrupted, interrupt it and wait for its clean-up,
    ``patience`` seconds at the most.

    Where util-linux is there, the command also gets SIGTERM when this process is killed: nothing goes on judging.
    """
    setpriv = shutil.which("setpriv")
    with subprocess.Popen([*([setpriv, "--pdeathsig", "TERM"] if setpriv else []), *command]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # A signal to the whole group has reached the child already, which heeds one; a SIGTERM to us has not.
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(patience)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
            raise


def follow_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent dies, so that a killed nox leaves nothing running.

    prctl(2), PR_SET_PDEATHSIG; elsewhere than on Linux nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
