"""One at a time: whoever makes something of the cache holds its lock, and others are told what they wait for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from clusters.progress import Progress

from .store import disk_errors


@contextmanager
def alone(cache: Path, name: str, waiting: str, progress: Progress) -> Iterator[None]:
    """Hold the lock of this name; where another run has it, say ``waiting`` and wait for it."""
    with disk_errors(cache):
        (cache / "locks").mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "locks" / f"{name}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress.say(waiting)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
