"""Charts as SVG text, to stand inside a page: drawn by Vega in this process, in the page's own colours.

Colours are CSS variables of the page (``var(--ink)``, ``var(--series-1)`` …), so that one drawing serves light, dark
and print. See `reports.series` for what tells cells apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

import altair as alt
import vl_convert

from reports.series import series
from reports.views.curves import Curve
from reports.views.ground import Step
from reports.views.loads import Rate

WIDTH = 880
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
NINES = {
    **{1: "0 %", 2: "50 %", 4: "75 %", 10: "90 %", 100: "99 %"},
    **{1000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"},
}
"""1/(1-p) → what the axis says of it."""


def latency_curves(curves: Sequence[Curve]) -> str:
    """Latency against percentile, one line per cell, each further nine as wide as the last; empty without curves."""
    if not curves:
        return ""
    rows = [
        {"cell": curve.cell, "x": point.inverse, "y": point.milliseconds}
        for curve in curves
        for point in curve.points
        if point.milliseconds > 0
    ]
    last = max(point.inverse for curve in curves for point in curve.points)
    ticks = [inverse for inverse in NINES if inverse <= last * 1.02]
    told = series(curves)
    steps = _steps(point.milliseconds for curve in curves for point in curve.points)
    chart = (
        alt.Chart(alt.Data(values=rows), width=WIDTH, height=270)
        .mark_line(strokeWidth=2.2, strokeCap="round", strokeJoin="round")
        .encode(
            x=alt.X(
                "x:Q",
                scale=alt.Scale(type="log", domain=[1, last], nice=False),
                axis=alt.Axis(
                    values=ticks,
                    labelExpr=f"{json.dumps(NINES)}[datum.value]",
                    title="share of requests that were at least as fast",
                    grid=True,
                ),
            ),
            y=alt.Y("y:Q", scale=alt.Scale(type="log", domain=[steps[0], steps[-1]]), axis=_milliseconds(steps)),
            color=told.colour(),
            strokeDash=told.dash(),
        )
    )
    return _svg(chart, "Latency by percentile, one line per cell")


def throughput(rates: Sequence[Rate]) -> str:
    """Requests per second with intervals, one line per cell; empty without rates."""
    if not rates:
        return ""
    rows = [{"cell": rate.cell, "value": rate.value, "low": rate.low, "high": rate.high} for rate in rates]
    base = alt.Chart(alt.Data(values=rows), width=WIDTH, height=max(34 * len(rows), 60))
    y = alt.Y("cell:N", sort=[rate.cell for rate in rates], axis=alt.Axis(title=None, ticks=False, domain=False))
    x = alt.X("value:Q", scale=alt.Scale(zero=True), axis=alt.Axis(title="answered requests per second", tickCount=6))
    told = series(rates)
    colour = told.colour(legend=False)
    bars = base.mark_bar(height=8, opacity=0.28).encode(y=y, x=x, color=colour)
    spans = base.mark_rule(strokeWidth=2).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, x=x, color=colour, shape=told.shape(legend=False)
    )
    return _svg(bars + spans + points, "Throughput with intervals, one line per cell")


def start_up(steps: Sequence[Step]) -> str:
    """When each step of each cluster's start-up was done; empty without steps."""
    if not steps:
        return ""
    rows = [{"cell": step.cell, "step": step.name, "seconds": step.seconds} for step in steps]
    first = {step.name: min(other.seconds for other in steps if other.name == step.name) for step in steps}
    names = sorted(first, key=lambda name: first[name])
    base = alt.Chart(alt.Data(values=rows), width=WIDTH, height=22 * len(names))
    y = alt.Y("step:N", sort=names, axis=alt.Axis(title=None, ticks=False, domain=False, grid=True, labelLimit=260))
    x = alt.X("seconds:Q", scale=alt.Scale(zero=True), axis=alt.Axis(title="seconds since the start", grid=False))
    told = series(steps)
    points = base.mark_point(filled=True, size=75, opacity=0.95).encode(
        y=y, x=x, color=told.colour(), shape=told.shape()
    )
    return _svg(points, "When each step of the start-up was done, one mark per cell")


def _steps(values: Iterable[float]) -> list[float]:
    """The 1-2-5 steps from below the smallest value to above the largest."""
    known = [value for value in values if value > 0] or [1.0]
    powers = range(math.floor(math.log10(min(known))) - 1, math.ceil(math.log10(max(known))) + 1)
    steps = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    below = max(step for step in steps if step <= min(known))
    above = min(step for step in steps if step >= max(known) and step > below)
    return [step for step in steps if below <= step <= above]


def _milliseconds(steps: list[float]) -> alt.Axis:
    words = "datum.value >= 1000 ? datum.value / 1000 + ' s' : datum.value + ' ms'"
    return alt.Axis(title="latency", labelExpr=words, values=steps)


def _svg(chart: alt.TopLevelMixin, title: str) -> str:
    """The drawing as SVG, scaling with the page and named for ears."""
    quiet = {"domainColor": "var(--line)", "tickColor": "var(--line)", "gridColor": "var(--line)"}
    words = {"labelColor": "var(--quiet)", "titleColor": "var(--quiet)", "labelFontSize": 12, "titleFontSize": 12}
    styled = (
        chart.configure(background="transparent", font=FONT, padding=4)
        .configure_view(strokeWidth=0)
        .configure_axis(**quiet, **words, titleFontWeight="normal", labelPadding=6, gridDash=[1, 3], titlePadding=8)
        .configure_legend(labelColor="var(--ink)", labelFontSize=13)
    )
    svg = vl_convert.vegalite_to_svg(styled.to_json())
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
