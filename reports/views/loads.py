"""Figures under load: one block per question asked, one line per cell; a void cell shows its reason, never a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.model import Interval, Load
from reports.text import anchor, count, digits, duration, plural
from reports.views.curves import Curve, CurveError, curve
from reports.views.figures import Figure
from reports.views.merged import CellView, Merged

PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
CONNECTIONS = {"per-request": "a new connection for each request", "keep-alive": "kept-alive connections"}
TARGETS = {"clusterip": "ClusterIP", "nodeport": "NodePort", "controller": "the controller"}


@dataclass(frozen=True)
class LoadLine:
    """One cell's answer."""

    cell: str
    void: str
    """Why there are no figures; the figures below are then empty."""
    throughput: Figure | None
    offered: str
    latencies: tuple[Figure | None, ...]
    """In the order of `PERCENTILES`."""
    requests: str
    errors: tuple[tuple[str, str], ...]
    """Kind → count with its share of all requests."""
    lag: str
    conditions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rate:
    """One cell's throughput, for the chart."""

    mode: str
    controller: str
    cell: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LoadBlock:
    """One profile against one target: the same question in every cell."""

    anchor: str
    title: str
    """The target, and how it was loaded."""
    profile: str
    description: str
    open: bool
    """Whether requests arrive on a schedule; otherwise each user waits for its answer."""
    lines: tuple[LoadLine, ...]
    curves: tuple[Curve, ...]
    rates: tuple[Rate, ...]
    remarks: tuple[str, ...]
    """What is missing from the charts, and why."""


@dataclass(frozen=True)
class GlanceColumn:
    """One block, and the figure that tells most about it."""

    title: str
    href: str
    measure: str


@dataclass(frozen=True)
class GlanceRow:
    """One cell's figures, in the order of the columns."""

    cell: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Glance:
    """Every block's most telling figure in every cell."""

    columns: tuple[GlanceColumn, ...]
    rows: tuple[GlanceRow, ...]


def glance(blocks: tuple[LoadBlock, ...]) -> Glance:
    """p99 where requests arrive on a schedule, throughput where users wait for answers."""
    lines = [{line.cell: line for line in block.lines} for block in blocks]
    cells = dict.fromkeys(cell for known in lines for cell in known)
    return Glance(
        columns=tuple(
            GlanceColumn(block.title, f"#{block.anchor}", "p99 latency" if block.open else "answered/s")
            for block in blocks
        ),
        rows=tuple(
            GlanceRow(cell, tuple(_glance(known.get(cell), block) for known, block in zip(lines, blocks, strict=True)))
            for cell in cells
        ),
    )


def _glance(line: LoadLine | None, block: LoadBlock) -> str:
    if line is None:
        return "—"
    figure = line.latencies[PERCENTILES.index("p99")] if block.open and line.latencies else line.throughput
    return "void" if line.void or figure is None else figure.value


def caution(merged: Merged) -> str:
    """What an interval covers, and how far figures of different cells may be compared."""
    told = (
        "An interval covers chance within one measurement of seconds, not the difference between runs: do not rank "
        "modes or controllers by one run."
    )
    machines = {stream.header.machine for stream in merged.streams if stream.header}
    if len(machines) > 1:
        return f"{told} Cells were measured on different machines: their figures may not be compared with each other."
    return f"{told} Cells were measured one after the other: read a small difference between two of them as none."


def load_blocks(merged: Merged) -> tuple[LoadBlock, ...]:
    """Every load of every cell, sorted by the question it answers."""
    found: dict[tuple[str, str, str, str, str], list[tuple[CellView, Load]]] = {}
    for cell in merged.cells:
        for load in cell.loads:
            key = (load.profile, load.target, load.shape, load.connection, load.vantage)
            found.setdefault(key, []).append((cell, load))
    return tuple(_block(key, measured) for key, measured in found.items())


def _block(key: tuple[str, ...], measured: list[tuple[CellView, Load]]) -> LoadBlock:
    load = measured[0][1]
    curves: list[Curve] = []
    remarks: list[str] = []
    valid = [(cell, load) for cell, load in measured if not load.void]
    for cell, usable in valid:
        try:
            curves.append(curve(cell, usable))
        except CurveError as error:
            remarks.append(f"{cell.title}: {error}")
    return LoadBlock(
        anchor=anchor("load", *key),
        title=_title(load),
        profile=load.profile,
        description=_description(load),
        open=load.shape == "arrival-rate",
        lines=tuple(_line(cell, load) for cell, load in measured),
        curves=tuple(curves),
        rates=tuple(_rate(cell, load) for cell, load in valid),
        remarks=tuple(remarks),
    )


def _title(load: Load) -> str:
    target = TARGETS.get(load.target, load.target)
    how = f"{digits(load.offered_rate)} requests/s" if load.shape == "arrival-rate" else "saturation"
    return f"{target[:1].upper()}{target[1:]}, {how}"


def _description(load: Load) -> str:
    target = TARGETS.get(load.target, load.target)
    how = CONNECTIONS.get(load.connection, load.connection)
    if load.shape == "arrival-rate":
        asked = f"{digits(load.offered_rate)} requests/s arrive on a schedule, whatever becomes of earlier ones"
    else:
        asked = f"{plural(load.users, 'user')} send as fast as answers come"
    return (
        f"From {load.vantage} to {target}, {how}: {asked}. "
        f"{duration(load.seconds)} measured after {duration(load.warmup_seconds)} of warm-up."
    )


def _line(cell: CellView, load: Load) -> LoadLine:
    conditions = tuple((name, value) for name, value in load.conditions.items())
    if load.void:
        return LoadLine(cell.title, load.void, None, "", (), "", (), "", conditions)
    return LoadLine(
        cell=cell.title,
        void="",
        throughput=_figure(load.throughput, digits),
        offered=digits(load.offered_rate) if load.offered_rate else "",
        latencies=tuple(
            _figure(load.latency_seconds[name], duration) if name in load.latency_seconds else None
            for name in PERCENTILES
        ),
        requests=count(load.requests),
        errors=tuple((kind, _share(number, load.requests)) for kind, number in load.errors.items() if number),
        lag=", ".join(f"{name} {duration(seconds)}" for name, seconds in load.send_lag_seconds.items()),
        conditions=conditions,
    )


def _figure(interval: Interval, written: Callable[[float], str]) -> Figure:
    exact = interval.low == interval.value == interval.high
    return Figure(written(interval.value), "" if exact else f"{written(interval.low)} – {written(interval.high)}")


def _share(number: int, requests: int) -> str:
    return f"{count(number)} ({100 * number / requests:.2g} %)" if requests else count(number)


def _rate(cell: CellView, load: Load) -> Rate:
    figure = load.throughput
    return Rate(cell.mode, cell.controller, cell.title, figure.value, figure.low, figure.high)
