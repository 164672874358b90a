"""The answer in a sentence, for whoever has to choose this week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reports.model import Verdict
from reports.run import BROKEN, FAILED
from reports.text import count, listed, plural
from reports.views.merged import CellView, Merged, feature_order, place
from reports.views.witnesses import witness_blocks

JUDGED = {Verdict.PASSED, Verdict.FAILED}
UNJUDGED = {Verdict.UNSUPPORTED: "unsupported", Verdict.SKIPPED: "skipped", Verdict.ERROR: "in error"}
"""What keeps a check from saying anything of the system under test, in words."""
NONE_FAILS = "fails nothing"


@dataclass(frozen=True)
class Answer:
    """What the top of every report says."""

    id: str
    """``passed``, ``failed`` or ``error``: what the exit status says in a word."""
    headline: str
    places: tuple[str, ...]
    """What fails with each controller, and in each mode without one, and how much of it nobody judged."""
    sentences: tuple[str, ...]
    troubles: tuple[str, ...]
    status: int


def answer(merged: Merged) -> Answer:
    """Verdict first, then where it does not hold, then what nobody knows."""
    word = {BROKEN: "error", FAILED: "failed"}.get(merged.status, "passed")
    return Answer(
        id=word,
        headline=_headline(merged),
        places=tuple(_places(merged)),
        sentences=tuple(
            sentence
            for sentence in (
                _errors(merged),
                _loads(merged),
                _propagations(merged),
                *_witnesses(merged),
                *_left_out(merged),
                _not_verified(merged),
            )
            if sentence
        ),
        troubles=merged.troubles,
        status=merged.status,
    )


def _headline(merged: Merged) -> str:
    """How much holds; a run that is not whole says so before anything else."""
    told = _verdict(merged)
    failed = sum(1 for cell in merged.cells for said in cell.witnesses if said.verdict is Verdict.FAILED)
    if merged.checks and failed:
        told = f"{told.rstrip('.')}; {plural(failed, 'test')} of others failed."
    return f"As far as the run went: {told[:1].lower()}{told[1:]}" if merged.troubles else told


def _verdict(merged: Merged) -> str:
    where = _where([cell for cell in merged.cells if not _is_left_out(cell)])
    if not merged.checks and (heard := [witness for cell in merged.cells for witness in cell.witnesses]):
        good = sum(1 for witness in heard if witness.verdict is Verdict.PASSED)
        ran = sum(1 for witness in heard if witness.verdict is not Verdict.SKIPPED)
        return f"{good} of {plural(ran, 'test')} of others passed {where}."
    if not merged.checks:
        measured = any(cell.loads or cell.propagations for cell in merged.cells)
        return f"Measured {where}." if measured else f"Nothing was judged {where}."
    cells = _judged(merged)
    where = _where(cells)
    failed, broken, passed = (_features(merged, verdict) for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED))
    unproved = broken - failed - {""}
    total, held = len(failed | unproved | passed), len(passed - failed - unproved)
    if not total:
        return f"No feature was judged {where}."
    if len(cells) > 1:
        # Hardly a feature is judged in every cell, so the cells are not named here.
        where = f"wherever {'it was' if total == 1 else 'they were'} judged"
    somewhere = " somewhere" if len(cells) > 1 else ""
    if total == 1:
        told = f"fails{somewhere or f' {where}'}" if failed else f"is unproved{somewhere or f' {where}'}"
        return f"The one judged feature {f'holds {where}' if held else told}."
    if held == total:
        return f"All {total} judged features hold {where}."
    rest = [f"{len(failed)} {'fails' if len(failed) == 1 else 'fail'}{somewhere}"] if failed else []
    rest += [f"{len(unproved)} {'is' if len(unproved) == 1 else 'are'} unproved"] if unproved else []
    return f"{held} of {total} features hold {where}; {', '.join(rest)}."


def _where(cells: Iterable[CellView]) -> str:
    cells = tuple(cells)
    modes = list(dict.fromkeys(cell.mode for cell in cells))
    controllers = list(dict.fromkeys(cell.controller for cell in cells if cell.controller))
    return f"on {listed(modes)}" + (f" with {listed(controllers)}" if controllers else "") if modes else "anywhere"


def _features(merged: Merged, verdict: Verdict) -> set[str]:
    """Those that have this verdict anywhere."""
    return {check.result.feature for check in merged.checks if check.result.verdict is verdict}


def _places(merged: Merged) -> Iterator[str]:
    """A line for each mode without a controller, then for each controller; for none where the headline says it all."""
    here: dict[str, list[CellView]] = {}
    cells = sorted(_judged(merged), key=lambda cell: bool(cell.controller))
    for cell in cells:
        here.setdefault(cell.controller or cell.mode, []).append(cell)
    for name, same in here.items():
        told = "; ".join(part for part in (_failures(same), _unjudged(same)) if part)
        if len(cells) > 1:
            yield f"{name}: {told}."
        elif told := told.removeprefix(NONE_FAILS).removeprefix("; "):
            yield f"{told[:1].upper()}{told[1:]}."


def _failures(cells: list[CellView]) -> str:
    """Every feature that fails in these cells, and where it does not in each of them, in which."""
    judged, failed = (_cells_by_feature(cells, verdicts) for verdicts in (JUDGED, {Verdict.FAILED}))
    told = [
        (feature or "a check without a feature")
        + ("" if len(failed[feature]) == len(judged[feature]) else f" ({place(failed[feature], judged[feature])})")
        for feature in sorted(failed, key=feature_order)
    ]
    return f"fails {listed(told)}" if told else NONE_FAILS if judged else ""


def _cells_by_feature(cells: list[CellView], verdicts: set[Verdict]) -> dict[str, list[CellView]]:
    """Feature → the cells in which one of its checks has one of these verdicts."""
    found: dict[str, list[CellView]] = {}
    for cell in cells:
        for feature in {result.feature for result in cell.results if result.verdict in verdicts}:
            found.setdefault(feature, []).append(cell)
    return found


def _unjudged(cells: list[CellView]) -> str:
    """How many checks say nothing of the system under test, and why."""
    verdicts = [result.verdict for cell in cells for result in cell.results]
    numbers = {word: verdicts.count(verdict) for verdict, word in UNJUDGED.items() if verdict in verdicts}
    of_all = f" of {plural(len(verdicts), 'check')}"
    return ", ".join(
        f"{count(number)}{'' if later else of_all} {word}" for later, (word, number) in enumerate(numbers.items())
    )


def _errors(merged: Merged) -> str:
    errors = [check for check in merged.checks if check.result.verdict is Verdict.ERROR]
    if not errors:
        return ""
    features = sorted({check.result.feature or "a check without a feature" for check in errors}, key=feature_order)
    verb = "is an error" if len(errors) == 1 else "are errors"
    return f"{plural(len(errors), 'check')} {verb} of ours, so nothing is proved there: {listed(features)}."


def _witnesses(merged: Merged) -> list[str]:
    """What others say, and whether it is what we say: a difference is told by name."""
    told = []
    for block in witness_blocks(merged):
        told += [block.summary, *([block.agreement] if block.agreement else [])]
        told += [
            f"On {pair.mode} their test “{pair.test}” {pair.theirs.word}, our {pair.feature} {pair.ours.word}."
            for pair in block.disagreements
        ]
    return told


def _loads(merged: Merged) -> str:
    return _measured([load.void for cell in merged.cells for load in cell.loads], "load")


def _propagations(merged: Merged) -> str:
    voids = [change.void for cell in merged.cells for change in cell.propagations]
    return _measured(voids, "propagation")


def _measured(voids: list[str], what: str) -> str:
    """How many of our figures may be used, given why each is void; nothing where there are none."""
    void, count = sum(1 for why in voids if why), plural(len(voids), what)
    if not voids:
        return ""
    return f"{len(voids) - void} of {count} may be used; {void} void." if void else f"{count} measured, none void."


def _judged(merged: Merged) -> list[CellView]:
    """The cells that have checks, and had a cluster or should have had one."""
    return [cell for cell in merged.cells if cell.results and not _is_left_out(cell)]


def _is_left_out(cell: CellView) -> bool:
    """Whether there was no cluster to judge, and nobody's trouble: the machine cannot have what was asked for."""
    return bool(cell.results) and not cell.record.nodes and all(r.verdict is Verdict.UNSUPPORTED for r in cell.results)


def _left_out(merged: Merged) -> list[str]:
    """What could not be judged at all, and why."""
    gone = [cell for cell in merged.cells if _is_left_out(cell)]
    reasons = dict.fromkeys((cell.mode, cell.results[0].reason) for cell in gone)
    return [f"Nothing was judged on {mode}: {reason}" for mode, reason in reasons]


def _not_verified(merged: Merged) -> str:
    """Controllers that are defined and that nobody has seen run: never to be taken for working."""
    names = sorted({name for stream in merged.streams if stream.header for name in stream.header.not_verified})
    return f"Not verified here, and left out: {listed(names, limit=len(names))}." if names else ""
