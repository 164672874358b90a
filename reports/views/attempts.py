"""The attempts behind a verdict, told as a table and as a strip in time."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.model import Attempt
from reports.text import digits, duration, first_line

ROWS = 40
"""Rows of a story's table; more are told by their number. The stream has them all."""
TICKS = 400
"""Marks of a strip; of more, every n-th is drawn."""
LANES = 8
ANSWERED = "answered"


@dataclass(frozen=True)
class AttemptRow:
    """Attempts in a row that ended alike."""

    at: str
    """Relative to the first attempt of the story."""
    times: str
    """``× 12`` where several are told in one row."""
    vantage: str
    target: str
    outcome: str
    answered: bool
    seconds: str
    detail: str


@dataclass(frozen=True)
class Tick:
    """One attempt on the strip, in units of a strip 1000 wide."""

    x: float
    width: float
    outcome: str
    answered: bool
    hint: str


@dataclass(frozen=True)
class Lane:
    """All attempts of one vantage."""

    vantage: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Attempts:
    """Everything that was tried, from the first to the last."""

    total: int
    summary: str
    began: str
    span: str
    lanes: tuple[Lane, ...]
    rows: tuple[AttemptRow, ...]
    left_out: int
    """Rows that are not shown."""


def attempts(tried: Sequence[Attempt]) -> Attempts | None:
    """The attempts in the order of their times, or None where a story has none."""
    if not tried:
        return None
    timed = sorted(((_moment(attempt.at), attempt) for attempt in tried), key=lambda pair: pair[0])
    zero = timed[0][0]
    span = max(at + attempt.seconds for at, attempt in timed) - zero
    rows = [_row([attempt for _, attempt in same], same[0][0] - zero) for same in _alike(timed)]
    return Attempts(
        total=len(tried),
        summary=_summary(tried),
        began=timed[0][1].at,
        span=duration(span),
        lanes=_lanes([(at - zero, attempt) for at, attempt in timed], span),
        rows=tuple(rows if len(rows) <= ROWS else [*rows[: ROWS // 2], *rows[-ROWS // 2 :]]),
        left_out=max(0, len(rows) - ROWS),
    )


def _moment(at: str) -> float:
    try:
        return datetime.datetime.fromisoformat(at).timestamp()
    except ValueError:  # a stream that somebody else wrote; its story is still worth telling
        return 0.0


def _alike(timed: list[tuple[float, Attempt]]) -> list[list[tuple[float, Attempt]]]:
    grouped = groupby(timed, key=lambda pair: (pair[1].vantage, pair[1].target, pair[1].outcome, pair[1].detail))
    return [list(same) for _, same in grouped]


def _row(same: list[Attempt], at: float) -> AttemptRow:
    first, longest = same[0], max(attempt.seconds for attempt in same)
    return AttemptRow(
        at=f"+{at:.3f} s",
        times=f"× {len(same)}" if len(same) > 1 else "",
        vantage=first.vantage,
        target=first.target,
        outcome=first.outcome,
        answered=first.outcome == ANSWERED,
        seconds=duration(first.seconds) if len(same) == 1 else f"≤ {duration(longest)}",
        detail=first_line(first.detail, 300),
    )


def _summary(tried: Sequence[Attempt]) -> str:
    outcomes: dict[str, int] = {}
    for attempt in tried:
        outcomes[attempt.outcome] = outcomes.get(attempt.outcome, 0) + 1
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())


def _lanes(timed: list[tuple[float, Attempt]], span: float) -> tuple[Lane, ...]:
    scale = 1000 / span if span > 0 else 0.0
    kept = timed[:: len(timed) // TICKS + 1]
    vantages = list(dict.fromkeys(attempt.vantage for _, attempt in kept))
    return tuple(
        Lane(
            vantage=vantage,
            ticks=tuple(
                Tick(
                    x=round(at * scale, 1),
                    width=round(max(attempt.seconds * scale, 3), 1),
                    outcome=attempt.outcome,
                    answered=attempt.outcome == ANSWERED,
                    hint=f"+{digits(at)} s: {attempt.target} {attempt.outcome}",
                )
                for at, attempt in kept
                if attempt.vantage == vantage
            ),
        )
        for vantage in vantages[:LANES]
    )
