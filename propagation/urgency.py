"""Who times must not wait for the machine's other work: real-time scheduling, where this process is allowed it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PRIORITY = 1
"""The lowest of the real-time ones: before everything that is ordinary, after everything that was made urgent."""


@contextmanager
def urgent() -> Iterator[None]:
    """Have the calling thread, and only it, run before ordinary ones (sched(7)); nothing happens where it may not."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def told() -> str:
    """Whether it is allowed."""
    with urgent():
        is_urgent = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
    return "real-time scheduling (SCHED_RR) during each change" if is_urgent else "as every other process"
