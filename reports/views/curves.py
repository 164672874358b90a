"""Latency by percentile, read back from the histogram that a load recorded."""

from __future__ import annotations

import binascii
import math
from dataclasses import dataclass

from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from reports.model import Load
from reports.views.merged import CellView

POINTS = 90
BEYOND = 5
"""A curve ends where fewer requests than this were slower: what lies beyond is chance."""


class CurveError(ValueError):
    """A load without a curve; says why."""


@dataclass(frozen=True)
class Point:
    """A share of all requests, and the latency that it stayed under."""

    inverse: float
    """1/(1-p): 2 is the median, 100 the 99th percentile. On a log scale each further nine is as wide as the last."""
    milliseconds: float


@dataclass(frozen=True)
class Curve:
    """One cell's latencies."""

    cell: str
    mode: str
    controller: str
    points: tuple[Point, ...]


def curve(cell: CellView, load: Load) -> Curve:
    """The percentile curve of one load; `CurveError` where it recorded no histogram or a damaged one."""
    if not load.histogram:
        raise CurveError("no histogram was recorded, so there is no curve.")
    try:
        histogram = HdrHistogram.decode(load.histogram)
    except (HdrCookieException, HdrLengthException, binascii.Error, ValueError, IndexError) as error:
        raise CurveError(f"the recorded histogram is damaged ({error}), so there is no curve.") from error
    total = histogram.get_total_count()
    if total < 2 * BEYOND:
        raise CurveError(f"{total} recorded latencies are too few for a curve.")
    end = math.log(total / BEYOND)
    inverses = [math.exp(end * step / (POINTS - 1)) for step in range(POINTS)]
    values = histogram.get_percentile_to_value_dict([100 * (1 - 1 / inverse) for inverse in inverses])
    return Curve(
        cell=cell.title,
        mode=cell.mode,
        controller=cell.controller,
        points=tuple(
            Point(round(inverse, 4), microseconds / 1000)
            for inverse, microseconds in zip(inverses, values.values(), strict=True)
        ),
    )
