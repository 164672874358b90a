"""The answer in a sentence, for whoever has to choose this week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.model import Verdict
from reports.run import BROKEN, FAILED
from reports.text import listed, plural
from reports.views.merged import EVERYWHERE, CellView, Check, Merged, feature_order, place
from reports.views.witnesses import witness_blocks

PLACES = 4
"""Combinations of cells whose failures get a sentence of their own."""


@dataclass(frozen=True)
class Answer:
    """What the top of every report says."""

    id: str
    """``passed``, ``failed`` or ``error``: what the exit status says in a word."""
    headline: str
    sentences: tuple[str, ...]
    troubles: tuple[str, ...]
    status: int


def answer(merged: Merged) -> Answer:
    """Verdict first, then where it does not hold, then what nobody knows."""
    word = {BROKEN: "error", FAILED: "failed"}.get(merged.status, "passed")
    failed = _features(merged, Verdict.FAILED)
    return Answer(
        id=word,
        headline=_headline(merged),
        sentences=tuple(
            sentence
            for sentence in (
                *_failures(failed, merged),
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
    """What holds where; a run that is not whole says so before anything else."""
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
    failed, broken, passed = (
        set(_features(merged, verdict)) for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED)
    )
    unproved = broken - failed - {""}
    total, held = len(failed | unproved | passed), len(passed - failed - unproved)
    if not total:
        return f"No feature was judged {where}."
    if held == total:
        return f"All {total} judged features hold {where}." if total > 1 else f"The one judged feature holds {where}."
    if total == 1:
        return f"The one feature {'does not hold' if failed else 'is unproved'} {where}."
    rest = [f"{len(failed)} {'does' if len(failed) == 1 else 'do'} not" if failed else ""]
    rest.append(f"{len(unproved)} {'is' if len(unproved) == 1 else 'are'} unproved" if unproved else "")
    return f"{held} of {total} features hold {where}; {', '.join(part for part in rest if part)}."


def _where(cells: Iterable[CellView]) -> str:
    cells = tuple(cells)
    modes = list(dict.fromkeys(cell.mode for cell in cells))
    controllers = list(dict.fromkeys(cell.controller for cell in cells if cell.controller))
    return f"on {listed(modes)}" + (f" with {listed(controllers)}" if controllers else "") if modes else "anywhere"


def _features(merged: Merged, verdict: Verdict) -> dict[str, list[CellView]]:
    """Feature → the cells in which its verdict is this one."""
    here: dict[tuple[str, str], list[Check]] = {}
    for check in merged.checks:
        here.setdefault((check.result.feature, check.cell.key), []).append(check)
    found: dict[str, list[CellView]] = {}
    for (feature, _), checks in here.items():
        if any(check.result.verdict is verdict for check in checks):
            found.setdefault(feature, []).append(checks[0].cell)
    return {feature: found[feature] for feature in sorted(found, key=feature_order)}


def _failures(failed: dict[str, list[CellView]], merged: Merged) -> list[str]:
    """One sentence per place, the places with most failures first."""
    places: dict[str, list[str]] = {}
    for feature, cells in failed.items():
        places.setdefault(_place(feature, cells, merged), []).append(feature)
    by_size = sorted(places.items(), key=lambda item: -len(item[1]))
    told = [f"{'Fails' if len(features) == 1 else 'Fail'} {place}: {listed(features)}." for place, features in by_size]
    rest = len(failed) - sum(len(features) for _, features in by_size[:PLACES])
    return [*told[:PLACES], *([f"{plural(rest, 'feature')} more in other combinations of cells."] if rest else [])]


def _place(feature: str, cells: list[CellView], merged: Merged) -> str:
    ran = list({check.cell.key: check.cell for check in merged.checks if check.result.feature == feature}.values())
    if len(ran) == 1:
        return f"on {ran[0].title}"
    return f"on {EVERYWHERE}" if len(cells) == len(ran) else f"only {place(cells, ran)}"


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
    return f"Not verified here, and left out: {listed(names)}." if names else ""
