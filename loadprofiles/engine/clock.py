"""Another process's clock, as far as asking tells: the quickest answer of several knows it best."""

from __future__ import annotations


class Clock:
    """How a worker's clock stands to its master's."""

    __slots__ = ("ahead", "answers", "reach")

    def __init__(self) -> None:
        self.answers = 0
        self.ahead = 0.0
        """Seconds that it shows more than ours."""
        self.reach = float("inf")
        """Seconds by which ``ahead`` may be wrong, either way: half of the quickest answer's way."""

    def answered(self, asked: float, shows: float, now: float) -> None:
        """It showed ``shows`` at some moment between ``asked`` and ``now`` of ours."""
        self.answers += 1
        if (now - asked) / 2 < self.reach:
            self.reach = (now - asked) / 2
            self.ahead = shows - (asked + now) / 2
