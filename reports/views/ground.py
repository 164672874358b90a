"""The ground that verdicts and figures stand on: clusters, versions, start-up, conditions, the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reports.model import Verdict
from reports.run import exit_status
from reports.stream import Stream
from reports.text import digits, duration, plural
from reports.views.marks import MARKS, Mark
from reports.views.merged import CellView, Merged, place


@dataclass(frozen=True)
class Tally:
    """How many checks have one verdict."""

    mark: Mark
    number: int


@dataclass(frozen=True)
class CellRow:
    """What ran on what."""

    title: str
    provider: str
    provider_reason: str
    nodes: str
    tallies: tuple[Tally, ...]
    witnesses: str
    """How many tests of others ran there; empty where none did."""
    loads: str
    phases: tuple[tuple[str, str], ...]
    total: str
    trouble: str


@dataclass(frozen=True)
class TableRow:
    """One fact across the cells."""

    name: str
    values: tuple[str, ...]
    """One where all cells that have it agree, else one per cell."""
    where: str
    """Which cells have it; empty: every one."""


@dataclass(frozen=True)
class Table:
    """Facts of all cells; those that differ first, then those that only some cells have."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class Step:
    """A step of one cluster's start-up."""

    cell: str
    mode: str
    controller: str
    name: str
    seconds: float


@dataclass(frozen=True)
class RunFacts:
    """One run: what was asked, where, with what."""

    name: str
    facts: tuple[tuple[str, str], ...]
    command: str


def cell_rows(merged: Merged) -> tuple[CellRow, ...]:
    """One row per cell."""
    return tuple(_cell_row(cell) for cell in merged.cells)


def tallies(verdicts: list[Verdict]) -> tuple[Tally, ...]:
    """All five verdicts, counted."""
    return tuple(Tally(mark, verdicts.count(verdict)) for verdict, mark in MARKS.items())


def versions(merged: Merged) -> Table:
    """Component × cell."""
    return _table(merged, lambda cell: cell.record.versions)


def conditions(merged: Merged) -> Table:
    """Condition × cell."""
    return _table(merged, lambda cell: cell.record.conditions)


def steps(merged: Merged) -> tuple[Step, ...]:
    """Every step of every cluster's start-up, as seconds since that start-up began."""
    return tuple(
        Step(cell.title, cell.mode, cell.controller, name, seconds)
        for cell in merged.cells
        for name, seconds in cell.record.timings.items()
    )


def runs(merged: Merged) -> tuple[RunFacts, ...]:
    """The header of every run."""
    return tuple(_run(stream) for stream in merged.streams)


def _cell_row(cell: CellView) -> CellRow:
    record, end = cell.record, cell.end
    phases = end.seconds if end else {}
    voids = sum(1 for load in cell.loads if load.void)
    loads = plural(len(cell.loads), "load") + (f", {voids} void" if voids else "") if cell.loads else ""
    return CellRow(
        title=cell.title,
        provider=record.provider,
        provider_reason=record.provider_reason,
        nodes=plural(record.nodes, "node") if record.nodes else "no node",
        tallies=tallies([result.verdict for result in cell.results]),
        witnesses=f"{plural(len(cell.witnesses), 'test')} of others" if cell.witnesses else "",
        loads=loads,
        phases=tuple((name, duration(seconds)) for name, seconds in phases.items()),
        total=duration(sum(phases.values())) if end else "broke off",
        trouble=end.trouble if end else "broke off: its end was never written",
    )


def _table(merged: Merged, facts: Callable[[CellView], Mapping[str, str]]) -> Table:
    cells = [cell for cell in merged.cells if facts(cell)]
    names = dict.fromkeys(name for cell in cells for name in facts(cell))
    rows = []
    for name in names:
        having = [cell for cell in cells if name in facts(cell)]
        values = tuple(facts(cell).get(name, "—") for cell in cells)
        agreed = {facts(cell)[name] for cell in having}
        where = place(having, cells) if len(having) < len(cells) else ""
        rows.append(TableRow(name, tuple(agreed) if len(agreed) == 1 else values, where))
    rows.sort(key=lambda row: (len(row.values) == 1, not row.where))
    return Table(tuple(cell.title for cell in cells), tuple(rows))


def _run(stream: Stream) -> RunFacts:
    name, header = stream.run.resolve().name, stream.header
    if header is None:
        return RunFacts(name, (("header", "missing"),), "")
    machine = header.machine
    facts = {
        "started": header.started,
        "finished": stream.footer.finished if stream.footer else "never closed",
        "exit status": str(exit_status(stream)),
        "Roadtest": " ".join(word for word in (header.roadtest, header.commit and f"at {header.commit}") if word),
        "system": machine.system,
        "kernel": machine.kernel,
        "CPU": f"{machine.cpu}, {plural(machine.cores, 'core')}",
        "memory": f"{digits(machine.memory_bytes / 2**30)} GiB",
        "Python": machine.python,
        "seed": str(header.seed),
    }
    if header.not_verified:
        facts["controllers not verified here"] = "; ".join(f"{one}: {why}" for one, why in header.not_verified.items())
    return RunFacts(name, tuple((key, value) for key, value in facts.items()), header.command)
