"""Several runs as one: the cells of a CI matrix, each in a run of its own, on one page.

Here, once for all that is shown, every text of the streams is made printable: control characters would break XML,
confuse a terminal, and kill the library that draws the charts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from reports.apis import APIS, api_of
from reports.model import Cell, CellEnd, Load, Propagation, Result, Verdict, Witness
from reports.run import exit_status
from reports.stream import Stream
from reports.text import anchor, first_line, listed, printable

WORST_FIRST = (Verdict.ERROR, Verdict.FAILED, Verdict.PASSED, Verdict.UNSUPPORTED, Verdict.SKIPPED)
"""A feature with several checks has the first of these that any of them has."""
EVERYWHERE = "every cell"
NAME_LIMIT = 80
MODES = ("iptables", "nftables", "ipvs")


@dataclass(frozen=True)
class CellView:
    """One cell with everything that was recorded in it."""

    key: str
    """Unique over all runs shown, and the same whenever they are drawn."""
    title: str
    run: Path
    record: Cell
    end: CellEnd | None
    results: tuple[Result, ...]
    loads: tuple[Load, ...]
    witnesses: tuple[Witness, ...] = ()
    propagations: tuple[Propagation, ...] = ()

    @property
    def mode(self) -> str:
        return first_line(self.record.mode, NAME_LIMIT)

    @property
    def controller(self) -> str:
        """With its version: two versions of one are two controllers."""
        return first_line(controller_name(self.record), NAME_LIMIT)


@dataclass(frozen=True)
class Check:
    """One result where it belongs."""

    cell: CellView
    result: Result

    @property
    def anchor(self) -> str:
        return anchor("check", self.cell.key, self.result.test)


@dataclass(frozen=True)
class Merged:
    """All runs that one page shows."""

    streams: tuple[Stream, ...]
    cells: tuple[CellView, ...]
    """By mode, then controller, then run."""
    checks: tuple[Check, ...]
    """By feature in the catalogue's order of APIs, then by cell."""
    status: int

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(check.result.feature for check in self.checks))

    @property
    def troubles(self) -> tuple[str, ...]:
        """Every run's troubles, with the run's name where there are several."""
        several = len(self.streams) > 1
        return tuple(
            f"{stream.run.resolve().name}: {trouble}" if several else trouble
            for stream in self.streams
            for trouble in stream.troubles
        )


def merge(streams: Iterable[Stream]) -> Merged:
    """The runs as one; cells of the same name in several runs stay apart and carry their run's name."""
    known = tuple(_printable(stream) for stream in streams)
    cells = sorted(
        (_cell(stream, name) for stream in known for name in _cell_names(stream)),
        key=lambda cell: (mode_order(cell.mode), cell.record.controller, cell.key),
    )
    titles = Counter(cell.title for cell in cells)
    cells = [
        replace(cell, title=first_line(f"{cell.title} ({cell.key})", 200)) if titles[cell.title] > 1 else cell
        for cell in cells
    ]
    checks = [Check(cell, result) for cell in cells for result in cell.results]
    checks.sort(key=lambda check: feature_order(check.result.feature))
    return Merged(known, tuple(cells), tuple(checks), exit_status(*known))


def feature_order(feature: str) -> tuple[int, int, str]:
    """Sorts features by API as the catalogue has them, then by their first word, then by id."""
    api, word = api_of(feature), feature.partition(".")[0]
    return (
        APIS.index(api) if api in APIS else len(APIS),
        api.prefixes.index(word) if word in api.prefixes else 0,
        feature,
    )


_Kept = TypeVar("_Kept", bound=msgspec.Struct)


def _printable(stream: Stream) -> Stream:
    return replace(
        stream,
        header=stream.header and _cleaned(stream.header),
        cells=tuple(_cleaned(record) for record in stream.cells),
        results=tuple(_cleaned(record) for record in stream.results),
        loads=tuple(_cleaned(record) for record in stream.loads),
        witnesses=tuple(_cleaned(record) for record in stream.witnesses),
        propagations=tuple(_cleaned(record) for record in stream.propagations),
        ends=tuple(_cleaned(record) for record in stream.ends),
        troubles=tuple(printable(trouble) for trouble in stream.troubles),
    )


def _cleaned(record: _Kept) -> _Kept:
    return msgspec.convert(_texts(msgspec.to_builtins(record)), type(record))


def _texts(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_texts(key): _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else value


def mode_order(mode: str) -> tuple[int, str]:
    """Sorts modes in the order of kube-proxy's history, unknown ones last."""
    return (MODES.index(mode) if mode in MODES else len(MODES), mode)


def controller_name(record: Cell) -> str:
    """A cell's controller as its project calls it, with the version, or the chart or image, that was judged."""
    name, version = record.controller_title or record.controller, record.versions.get(record.controller, "")
    if version and not re.match(r"v?\d", version):
        version = f"({version})"
    return f"{name} {version}".strip()


def place(cells: Iterable[CellView], ran: Iterable[CellView]) -> str:
    """Where, as short as it is true: ``on nftables``, ``with Istio``, or cell by cell; ``ran`` are all it could be."""
    found, known = {cell.key: cell for cell in cells}, {cell.key: cell for cell in ran}
    if len(known) > 1 and found.keys() == known.keys():
        return f"on {EVERYWHERE}"
    modes = list(dict.fromkeys(cell.mode for cell in found.values()))
    if len(known) > 1 and found.keys() == {key for key, cell in known.items() if cell.mode in modes}:
        return f"on {listed(modes)}"
    controllers = list(dict.fromkeys(cell.controller for cell in found.values()))
    if len(known) > 1 and found.keys() == {key for key, cell in known.items() if cell.controller in controllers}:
        return f"with {listed([controller or 'no controller' for controller in controllers])}"
    return f"on {listed([cell.title for cell in found.values()])}"


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that stands for several, or None for none."""
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), None)


def _cell_names(stream: Stream) -> list[str]:
    records: tuple[Cell | CellEnd | Result | Load | Propagation | Witness, ...] = (
        *stream.cells,
        *stream.ends,
        *stream.results,
        *stream.loads,
        *stream.witnesses,
        *stream.propagations,
    )
    return list(dict.fromkeys(record.cell for record in records))


def _cell(stream: Stream, name: str) -> CellView:
    run = stream.run.resolve().name
    record = next((cell for cell in stream.cells if cell.cell == name), None) or Cell(
        cell=name,
        started="",
        provider="unknown",
        provider_reason="the cell's start was never recorded",
        mode=name.partition("-")[0] or "unknown",
        controller=name.partition("-")[2],
        nodes=0,
    )
    heard = tuple(witness for witness in stream.witnesses if witness.cell == name)
    words = [record.mode, controller_name(record)]
    if not any(result.cell == name for result in stream.results):
        words += dict.fromkeys(witness.suite for witness in heard)
    return CellView(
        key=f"{run}/{name}",
        title=first_line(" · ".join(word for word in words if word), 120),
        run=stream.run,
        record=record,
        end=next((end for end in stream.ends if end.cell == name), None),
        results=tuple(result for result in stream.results if result.cell == name),
        loads=tuple(load for load in stream.loads if load.cell == name),
        witnesses=heard,
        propagations=tuple(one for one in stream.propagations if one.cell == name),
    )
