"""What every test may count on, however the tests themselves were started."""

from __future__ import annotations

import os
import signal

import pytest

from clusters.interruption import interrupt_once

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and every process inherits it: none could be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
"""No test asks this machine's own engine for anything."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Ended from outside, the tests end what they began."""
    if not hasattr(session.config, "workerinput"):
        interrupt_once()
