"""Steady streams of requests while something changed: every request counted, drawn in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.model import Timeline
from reports.text import count, duration
from reports.views.marks import Mark, mark
from reports.views.matrix import feature_anchor
from reports.views.merged import Check, Merged

WIDTH, HEIGHT = 1000.0, 40.0
"""Units of a drawing; the page stretches it."""


@dataclass(frozen=True)
class Bar:
    """One bin: how many were answered, and how many lost on top of them, in units of the drawing."""

    x: float
    width: float
    answered: float
    lost: float
    hint: str


@dataclass(frozen=True)
class Moment:
    """Something that happened, and where that is on the drawing."""

    x: float
    at: str
    what: str


@dataclass(frozen=True)
class Stream:
    """One stream."""

    vantage: str
    target: str
    sum: str
    """``1 000 sent = 997 answered + 3 lost (3 × timeout)``."""
    slowest: str
    whole: bool
    """Whether nothing was lost."""
    height: float
    bars: tuple[Bar, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Change:
    """One check in one cell that changed something while requests were sent."""

    mark: Mark
    feature: str
    feature_href: str
    title: str
    cell: str
    streams: tuple[Stream, ...]


def changes(merged: Merged) -> tuple[Change, ...]:
    """Every check with a stream, those together that are of one feature."""
    return tuple(_change(check) for check in merged.checks if check.result.timelines)


def _change(check: Check) -> Change:
    result = check.result
    return Change(
        mark=mark(result.verdict),
        feature=result.feature,
        feature_href=f"#{feature_anchor(result.feature)}",
        title=result.title,
        cell=check.cell.title,
        streams=tuple(stream(timeline) for timeline in result.timelines),
    )


def stream(timeline: Timeline) -> Stream:
    """A timeline as it is drawn; bins are as high as the fullest of them allows."""
    bins = len(timeline.answered)
    lost = [sum(counts[number] for counts in timeline.failed.values()) for number in range(bins)]
    most = max((one + other for one, other in zip(timeline.answered, lost, strict=True)), default=0) or 1
    width, unit = WIDTH / max(bins, 1), HEIGHT / most
    totals = {kind: sum(counts) for kind, counts in timeline.failed.items()}
    seconds = bins * timeline.bin_seconds or 1.0
    return Stream(
        vantage=timeline.vantage,
        target=timeline.target,
        sum=told(sum(timeline.answered), totals),
        slowest=duration(max(timeline.slowest, default=0.0)),
        whole=not sum(lost),
        height=HEIGHT,
        bars=tuple(
            Bar(
                x=round(number * width, 2),
                width=round(width * 0.86, 2),
                answered=round(timeline.answered[number] * unit, 2),
                lost=round(lost[number] * unit, 2),
                hint=f"{number * timeline.bin_seconds:.1f} s: {told(timeline.answered[number], at(timeline, number))}",
            )
            for number in range(bins)
        ),
        moments=tuple(
            Moment(
                x=round(min(1.0, max(0.0, moment.at / seconds)) * WIDTH, 2),
                at=duration(max(0.0, moment.at)),
                what=moment.what,
            )
            for moment in timeline.moments
        ),
    )


def at(timeline: Timeline, number: int) -> dict[str, int]:
    return {kind: counts[number] for kind, counts in timeline.failed.items()}


def told(answered: int, lost: Mapping[str, int]) -> str:
    """The account of a stream or of a part of it: what was sent is what was answered and what was lost."""
    kinds = ", ".join(f"{count(number)} × {kind}" for kind, number in lost.items() if number)
    total = sum(lost.values())
    why = f" ({kinds})" if kinds else ""
    return f"{count(answered + total)} sent = {count(answered)} answered + {count(total)} lost{why}"
