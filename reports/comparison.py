"""Two runs side by side: which checks have another verdict, and what each run says about it.

The same suites on two providers must agree; a night must not lose what the night before had. A check is known by its
cell (mode and controller, whatever the provider) and its pytest node id, a test of others by its name. What is compared
is a run, or a folder of runs: the cells of a CI matrix, each a run of its own.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.model import Result, Verdict, Witness
from reports.run import BROKEN, FAILED, PASSED, must_exist
from reports.stream import NAME, Stream, read
from reports.text import first_line, plural

DECLARED = {Verdict.UNSUPPORTED, Verdict.SKIPPED}
"""Not judged, and the run says why: a difference with its explanation."""
REASON_LENGTH = 120
Judged = Result | Witness


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One check that does not have the same verdict in both runs."""

    cell: str
    feature: str
    test: str
    before: str
    """Verdict in the first run; ``absent`` where it was not run there."""
    after: str
    reason: str
    """What the run says in which the check did not pass."""
    explained: bool
    """One of the runs did not judge it, and says why."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two runs have in common, and what they do not."""

    before: str
    after: str
    same: int
    """Checks with the same verdict in both."""
    differences: list[Difference]
    troubles: list[str]
    """Why a run is not whole, so that nothing follows from a check that is absent there."""

    @property
    def regressions(self) -> list[Difference]:
        """Checks that passed before and do not now."""
        return [found for found in self.differences if found.before == Verdict.PASSED and not found.explained]

    @property
    def unexplained(self) -> list[Difference]:
        return [found for found in self.differences if not found.explained]

    def exit_status(self, *, only_regressions: bool = False) -> int:
        """0: no difference but explained ones. 1: others (or regressions). 2: a run that is not whole, or none of
        whose checks is in both."""
        common = self.same + sum("absent" not in {found.before, found.after} for found in self.differences)
        if self.troubles or not common:
            return BROKEN
        return FAILED if (self.regressions if only_regressions else self.unexplained) else PASSED


def read_all(folder: Path) -> Stream:
    """The run in a folder, or all runs in folders of it as if they were one; `ReportError` where there is none."""
    runs = sorted(path.parent for path in folder.glob(f"*/{NAME}"))
    if (folder / NAME).is_file() or not runs:
        must_exist(folder)
        return read(folder)
    streams = [read(run) for run in runs]
    times = Counter(cell.cell for stream in streams for cell in stream.cells)
    return Stream(
        run=folder,
        header=None,
        cells=tuple(cell for stream in streams for cell in stream.cells),
        results=tuple(result for stream in streams for result in stream.results),
        loads=tuple(load for stream in streams for load in stream.loads),
        witnesses=tuple(witness for stream in streams for witness in stream.witnesses),
        propagations=tuple(change for stream in streams for change in stream.propagations),
        ends=tuple(end for stream in streams for end in stream.ends),
        footer=None,
        troubles=(
            *(f"{stream.run.name}: {trouble}" for stream in streams for trouble in stream.troubles),
            *(
                f"Cell {cell} is in {number} runs: which of them counts?"
                for cell, number in times.items()
                if number > 1
            ),
        ),
    )


def compare(before: Stream, after: Stream) -> Comparison:
    """Compare every check of two runs."""
    first, second = ({(one.cell, one.test): one for one in judged(stream)} for stream in (before, after))
    differences = []
    for key in dict.fromkeys([*first, *second]):
        one, other = first.get(key), second.get(key)
        if one is None or other is None or one.verdict is not other.verdict:
            differences.append(difference(one, other))
    same = len(first.keys() | second.keys()) - len(differences)
    troubles = [f"{stream.run}: {trouble}" for stream in (before, after) for trouble in stream.troubles]
    return Comparison(
        before=str(before.run), after=str(after.run), same=same, differences=differences, troubles=troubles
    )


def judged(stream: Stream) -> tuple[Judged, ...]:
    """Our checks, and the tests of others that ran as witnesses."""
    return (*stream.results, *stream.witnesses)


def difference(one: Judged | None, other: Judged | None) -> Difference:
    """How a check's verdicts differ; at least one of the two is there."""
    there = [result for result in (other, one) if result is not None]
    declared = [result for result in there if result.verdict in DECLARED]
    wrong = [result for result in there if result.verdict in {Verdict.FAILED, Verdict.ERROR}]
    told = [*declared, *wrong, *there][0]
    return Difference(
        cell=told.cell,
        feature=told.feature if isinstance(told, Result) else ", ".join(told.features),
        test=told.test,
        before=str(one.verdict) if one else "absent",
        after=str(other.verdict) if other else "absent",
        reason=told.reason,
        explained=bool(declared and all(result.reason for result in declared)),
    )


def show(found: Comparison, console: Console) -> None:
    """The differences as a table, and the answer in a sentence."""
    if found.differences:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("cell", "check", found.before, found.after, "why"):
            table.add_column(heading, overflow="fold")
        for one in found.differences:
            why = first_line(one.reason, REASON_LENGTH)
            table.add_row(*(Text(word) for word in (one.cell, one.test, one.before, one.after, why)))
        console.print(table)
    for trouble in found.troubles:
        console.print(f"not whole: {trouble}", style="bold magenta", markup=False, highlight=False)
    explained = len(found.differences) - len(found.unexplained)
    console.print(
        f"{plural(found.same, 'check')} with the same verdict; {plural(len(found.unexplained), 'difference')}, of them "
        f"{plural(len(found.regressions), 'regression')}; {explained} more explained",
        highlight=False,
    )


def run(
    before: Path, after: Path, *, only_regressions: bool = False, json: Path | None = None, console: Console
) -> int:
    """Read, compare and show two runs or folders of runs; the exit status of `Comparison.exit_status`."""
    found = compare(read_all(before), read_all(after))
    if json:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    show(found, console)
    return found.exit_status(only_regressions=only_regressions)
