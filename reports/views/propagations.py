"""How long changes take from the API to the packets: a block for each kind of change, a line for each cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reports.model import Interval, Propagation
from reports.text import count, duration
from reports.views.figures import Figure
from reports.views.merged import CellView, Merged

QUANTILES = ("p50", "p90", "p99", "max")
TITLES = {
    "service": "New Services",
    "endpoint": "Changed endpoints",
    "dns": "New names",
    "ingress": "New Ingresses",
    "httproute": "New HTTPRoutes",
    "gateway": "New Gateways",
}


@dataclass(frozen=True)
class PropagationLine:
    """One cell among so many Services."""

    cell: str
    services: str
    changes: str
    first_right: tuple[Figure, ...]
    """In the order of `QUANTILES`."""
    last_wrong: tuple[Figure, ...]
    own: str
    void: str
    """Why there are no figures; empty where there are."""
    conditions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PropagationBlock:
    """One kind of change."""

    title: str
    told: str
    own: str
    """Whose account of the same stands beside the figures."""
    lines: tuple[PropagationLine, ...]


def propagation_blocks(merged: Merged) -> tuple[PropagationBlock, ...]:
    """One block for each kind, its lines by number of Services, so that cells stand below each other."""
    found = [(cell, one) for cell in merged.cells for one in cell.propagations]
    kinds = dict.fromkeys(one.change for _, one in found)
    return tuple(_block(kind, [pair for pair in found if pair[1].change == kind]) for kind in kinds)


def _block(kind: str, found: list[tuple[CellView, Propagation]]) -> PropagationBlock:
    ordered = sorted(found, key=lambda pair: pair[1].services)
    has_status = any(one.status_seconds for _, one in found)
    return PropagationBlock(
        title=TITLES.get(kind, kind),
        told=found[0][1].told,
        own="the object's status" if has_status else "kube-proxy's own",
        lines=tuple(_line(cell, one) for cell, one in ordered),
    )


def _line(cell: CellView, one: Propagation) -> PropagationLine:
    return PropagationLine(
        cell=cell.title,
        services=count(one.services),
        changes=count(one.changes),
        first_right=() if one.void else _figures(one.first_right_seconds, one.unbounded),
        last_wrong=() if one.void else _figures(one.last_wrong_seconds, one.unbounded),
        own=_status(one) if one.status_seconds else _own(one),
        void=one.void,
        conditions=tuple(one.conditions.items()),
    )


def _figures(found: Mapping[str, Interval], unbounded: Collection[str]) -> tuple[Figure, ...]:
    return tuple(_figure(found[name], unbounded=name in unbounded) for name in QUANTILES if name in found)


def _figure(interval: Interval, *, unbounded: bool) -> Figure:
    """A quantile that so few changes do not bound from above is at least its value, and its interval has no end."""
    if unbounded:
        return Figure(value=f"≥ {signed(interval.value)}", interval=f"{signed(interval.low)} or more")
    spread = f"{signed(interval.low)} to {signed(interval.high)}" if interval.low != interval.high else ""
    return Figure(value=signed(interval.value), interval=spread)


def signed(seconds: float) -> str:
    """A duration that may lie before the moment it is counted from."""
    return duration(seconds) if seconds >= 0 else f"\N{MINUS SIGN}{duration(-seconds)}"


def _status(one: Propagation) -> str:
    """When the status said that the object is served, and how often that was before it was."""
    told = ", ".join(f"{name} {signed(one.status_seconds[name].value)}" for name in ("p50", "p99"))
    return f"{told}; too early in {count(one.status_first)} of {count(one.changes)}"


def _own(one: Propagation) -> str:
    if not one.own_count:
        return "none counted"
    told = ", ".join(f"{name} ≤ {duration(value)}" for name, value in one.own_seconds_at_most.items())
    return f"{told} of {count(one.own_count)}"
