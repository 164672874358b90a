"""When each step of a start-up was done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Timeline:
    """Seconds since the start, per step. Told from any thread."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._start = time.monotonic()
        self._tell = tell
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    def done(self, step: str) -> None:
        with self._lock:
            self._seconds[step] = round(time.monotonic() - self._start, 3)
        self._tell(step)

    @property
    def seconds(self) -> dict[str, float]:
        """Step → seconds since the start, in the order of time."""
        with self._lock:
            return dict(sorted(self._seconds.items(), key=lambda item: item[1]))
