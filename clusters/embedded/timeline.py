"""When each step of a start-up was done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Timeline:
    """Seconds since the start, per step; says each step as it is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._start = time.monotonic()
        self._say = say
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = {}

    def done(self, step: str) -> None:
        with self._lock:
            self.seconds.setdefault(step, round(time.monotonic() - self._start, 3))
        self._say(f"{self.seconds[step]:6.2f} s  {step}")
