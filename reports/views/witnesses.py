"""What others say of the same clusters: their verdicts, and where they and ours differ on the same behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from reports.model import Verdict, Witness
from reports.text import anchor, duration, first_line, plural
from reports.views.evidence import EvidenceReader, EvidenceView
from reports.views.ground import Tally, tallies
from reports.views.marks import Mark, mark
from reports.views.merged import CellView, Check, Merged, worst
from reports.views.stories import Link, link

NAMES = {"k8s": "Kubernetes' own end-to-end tests", "gateway-api": "The Gateway API's own conformance tests"}
ABOUT_CONTROLLERS = {"gateway-api"}
JUDGED = (Verdict.PASSED, Verdict.FAILED)
FAMILIES = {"IPv4", "IPv6"}
FOR_TWO = "DualStack"
"""In the name of their tests that take a cluster of two IP families."""


@dataclass(frozen=True)
class Testimony:
    """One of their tests in one cell."""

    anchor: str
    mark: Mark
    test: str
    cell: str
    features: tuple[str, ...]
    reason: str
    source: Link
    evidence: tuple[EvidenceView, ...]
    reproduce: str
    seconds: str


@dataclass(frozen=True)
class Disagreement:
    """The same behaviour in the same place, and two verdicts: somebody is wrong, or judges another side of it."""

    mode: str
    """Or the controller, where the tests are about one."""
    feature: str
    test: str
    theirs: Mark
    ours: Mark
    reason: str
    """Why whoever failed it says so."""


@dataclass(frozen=True)
class WitnessRow:
    """All that one suite says of one cell."""

    cell: str
    tallies: tuple[Tally, ...]
    seconds: str


@dataclass(frozen=True)
class WitnessBlock:
    """One suite in one version."""

    anchor: str
    title: str
    summary: str
    agreement: str
    """How its verdicts and ours compare, in a sentence."""
    rows: tuple[WitnessRow, ...]
    bad: tuple[Testimony, ...]
    """Failed, or an error."""
    disagreements: tuple[Disagreement, ...]
    every: tuple[Testimony, ...]


def witness_blocks(merged: Merged, reader: EvidenceReader | None = None) -> tuple[WitnessBlock, ...]:
    """One block per suite and version; without a reader no evidence is read."""
    heard = [(cell, witness) for cell in merged.cells for witness in cell.witnesses]
    suites = dict.fromkeys((witness.suite, witness.version) for _, witness in heard)
    return tuple(
        _block(suite, version, [said for said in heard if (said[1].suite, said[1].version) == (suite, version)],
               merged, reader)
        for suite, version in suites
    )  # fmt: skip


def _block(
    suite: str, version: str, heard: list[tuple[CellView, Witness]], merged: Merged, reader: EvidenceReader | None
) -> WitnessBlock:
    every = tuple(_testimony(cell, witness, reader) for cell, witness in heard)
    compared = [pair for cell, witness in heard for pair in _compared(cell, witness, merged)]
    disagreements = tuple(pair for pair in compared if pair.theirs != pair.ours)
    title = f"{NAMES.get(suite, suite)} {version}"
    return WitnessBlock(
        anchor=anchor("witness", suite, version),
        title=title,
        summary=f"{title}: {_counted([witness for _, witness in heard])}.",
        agreement=_agreement(heard, len(compared), len(disagreements)),
        rows=tuple(_row(cell, heard) for cell in merged.cells if any(where is cell for where, _ in heard)),
        bad=tuple(one for one in every if one.mark.id in {"failed", "error"}),
        disagreements=disagreements,
        every=every,
    )


def _counted(heard: list[Witness]) -> str:
    numbers = {tally.mark.word: tally.number for tally in tallies([witness.verdict for witness in heard])}
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


def _agreement(heard: list[tuple[CellView, Witness]], compared: int, differing: int) -> str:
    if not any(witness.features for _, witness in heard):
        return ""
    if not compared:
        return (
            "None of the features that they judge too was judged by us on this page: ./noxw -s report -- RUN RUN puts "
            "two runs on one."
        )
    return f"Where they and we judge the same behaviour, {compared - differing} of {plural(compared, 'verdict')} agree."


def _compared(cell: CellView, witness: Witness, merged: Merged) -> list[Disagreement]:
    """Their verdict beside ours, for each feature that both judged in this mode."""
    found = []
    for feature in witness.features if witness.verdict in JUDGED else ():
        checks = [
            check
            for check in merged.checks
            if check.result.feature == feature and _same_place(cell, check.cell, witness) and _concerns(witness, check)
        ]
        ours = worst(check.result.verdict for check in checks if check.result.verdict in JUDGED)
        if ours is not None:
            failed = next((check.result for check in checks if check.result.verdict is Verdict.FAILED), None)
            reason = witness.reason if witness.verdict is Verdict.FAILED else failed.reason if failed else ""
            found.append(
                Disagreement(
                    mode=cell.controller if witness.suite in ABOUT_CONTROLLERS else cell.mode,
                    feature=feature,
                    test=witness.test,
                    theirs=mark(witness.verdict),
                    ours=mark(ours),
                    reason=first_line(reason),
                )
            )
    return found


def _same_place(theirs: CellView, ours: CellView, witness: Witness) -> bool:
    """Whether both looked at the same: the mode, or the controller, which is judged once in whichever mode."""
    return theirs.controller == ours.controller if witness.suite in ABOUT_CONTROLLERS else theirs.mode == ours.mode


def _concerns(witness: Witness, check: Check) -> bool:
    """Whether both look at the same IP family: theirs speak the first of a cluster's, but those for two."""
    judged = set(check.result.test.partition("[")[2].rstrip("]").split("-")) & FAMILIES
    first = check.cell.record.conditions.get("IP families", "").partition("+")[0]
    return not (judged and first) or first in judged or FOR_TWO in witness.test


def _row(cell: CellView, heard: list[tuple[CellView, Witness]]) -> WitnessRow:
    here = [witness for where, witness in heard if where is cell]
    return WitnessRow(
        cell=cell.title,
        tallies=tallies([witness.verdict for witness in here]),
        seconds=duration(sum(witness.seconds for witness in here)),
    )


def _testimony(cell: CellView, witness: Witness, reader: EvidenceReader | None) -> Testimony:
    evidence = witness.evidence if reader and witness.verdict in {Verdict.FAILED, Verdict.ERROR} else []
    return Testimony(
        anchor=anchor("testimony", cell.key, witness.suite, witness.test),
        mark=mark(witness.verdict),
        test=witness.test,
        cell=cell.title,
        features=tuple(witness.features),
        reason=witness.reason,
        source=link(witness.source),
        evidence=tuple(reader.view(cell.run, item) for item in evidence) if reader else (),
        reproduce=witness.reproduce,
        seconds=duration(witness.seconds),
    )
