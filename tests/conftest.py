"""What every test may count on, however the tests themselves were started."""

from __future__ import annotations

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and every process inherits it: none could be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
"""No test asks this machine's own engine for anything."""
