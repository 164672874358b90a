"""The story behind a verdict: requirement, expected, observed, attempts, evidence, the command that runs it again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote, urlsplit

from reports.apis import Api, api_of
from reports.model import Result, Verdict
from reports.text import duration, first_line, plain, shorten
from reports.views.attempts import Attempts, attempts
from reports.views.evidence import EvidenceReader, EvidenceView
from reports.views.marks import Mark, mark
from reports.views.matrix import feature_anchor
from reports.views.merged import Check, Merged, place, worst

TEXT_LIMIT = 6_000
"""Characters of an expectation or observation that a page shows."""
URL_SIGNS = ":/?#[]@!$&'*+,;=%~"
"""Kept in an address; whatever else is no letter or digit is written as %xx, parentheses too: Markdown ends at them."""
IN_FULL = 60
"""Stories whose attempts and evidence a page shows; where more went wrong, the first ones explain the others."""
TOLD = (Verdict.FAILED, Verdict.ERROR)
"""Verdicts whose stories are told in full, in this order."""


@dataclass(frozen=True)
class Link:
    """A public address, safe to click on: only http and https become a link."""

    href: str
    text: str


@dataclass(frozen=True)
class ModeDesign:
    """What one mode does by design, where modes differ."""

    mode: str
    says: str
    source: Link


@dataclass(frozen=True)
class Elsewhere:
    """The same check in another cell."""

    cell: str
    mark: Mark
    href: str


@dataclass(frozen=True)
class Story:
    """One check in one cell."""

    anchor: str
    mark: Mark
    folded: bool
    """Whether the same check went wrong in another cell above: a page then shows this story folded."""
    cell: str
    feature: str
    feature_href: str
    title: str
    test: str
    requirement: str
    source: Link
    design: ModeDesign | None
    reason: str
    expected: str
    observed: str
    attempts: Attempts | None
    statistics: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    evidence: tuple[EvidenceView, ...]
    remark: str
    """What the page leaves out of this story; empty when nothing."""
    reproduce: str
    seconds: str
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True)
class CheckLine:
    """One check in one cell, in a line."""

    mark: Mark
    cell: str
    title: str
    test: str
    href: str
    """Its story, where it has one."""
    reason: str
    statistics: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    reproduce: str
    seconds: str


@dataclass(frozen=True)
class FeatureStory:
    """One feature: what it requires, and every check of it in every cell."""

    anchor: str
    feature: str
    api: Api
    mark: Mark
    requirement: str
    source: Link
    checks: tuple[CheckLine, ...]


@dataclass(frozen=True)
class NotJudged:
    """Checks that are unsupported or skipped for one reason."""

    mark: Mark
    feature: str
    feature_href: str
    cells: str
    """``on nftables``, ``with Istio``, ``on every cell``."""
    reason: str
    source: Link


@dataclass(frozen=True)
class Note:
    """Behaviour that was recorded and not judged."""

    feature: str
    feature_href: str
    title: str
    key: str
    values: tuple[tuple[str, str], ...]
    """Where → what was done there; one pair where all did the same."""
    differs: bool


def stories(merged: Merged, reader: EvidenceReader) -> tuple[Story, ...]:
    """Failures first, then errors, each told in full."""
    told = [check for verdict in TOLD for check in merged.checks if check.result.verdict is verdict]
    same: dict[str, list[Check]] = {}
    for check in merged.checks:
        same.setdefault(check.result.test, []).append(check)
    return tuple(
        _story(check, same[check.result.test], reader if number < IN_FULL else None)
        for number, check in enumerate(told)
    )


def feature_stories(merged: Merged) -> tuple[FeatureStory, ...]:
    """Every feature with all its checks, evidence left to the stories."""
    made = []
    for feature, same in groupby(merged.checks, key=lambda check: check.result.feature):
        checks = list(same)
        first = checks[0].result
        made.append(
            FeatureStory(
                anchor=feature_anchor(feature),
                feature=feature or "(no feature named)",
                api=api_of(feature),
                mark=mark(worst(check.result.verdict for check in checks)),
                requirement=first.requirement,
                source=link(first.source),
                checks=tuple(_line(check) for check in checks),
            )
        )
    return tuple(made)


def not_judged(merged: Merged) -> tuple[NotJudged, ...]:
    """Unsupported and skipped checks, those of one feature and one reason together."""
    found: dict[tuple[str, Verdict, str], list[Check]] = {}
    for check in merged.checks:
        if check.result.verdict in (Verdict.UNSUPPORTED, Verdict.SKIPPED):
            key = (check.result.feature, check.result.verdict, check.result.reason)
            found.setdefault(key, []).append(check)
    return tuple(
        NotJudged(
            mark=mark(verdict),
            feature=feature,
            feature_href=f"#{feature_anchor(feature)}",
            cells=place((check.cell for check in checks), merged.cells),
            reason=reason or "no reason was given",
            source=link(checks[0].result.source),
        )
        for (feature, verdict, reason), checks in sorted(
            found.items(), key=lambda item: list(Verdict).index(item[0][1])
        )
    )


def notes(merged: Merged) -> tuple[Note, ...]:
    """Recorded behaviour, those notes first that differ between cells."""
    found: dict[tuple[str, str, str], list[Check]] = {}
    for check in merged.checks:
        for key in check.result.notes:
            found.setdefault((check.result.feature, check.result.test, key), []).append(check)
    made = [_note(key, checks, merged) for (_, _, key), checks in found.items()]
    return tuple(sorted(made, key=lambda note: not note.differs))


def link(address: str) -> Link:
    """What a source's address may become: anything but http and https stays text."""
    text = address
    try:
        parts = urlsplit(address)
    except ValueError:
        return Link("", text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return Link("", text)
    return Link(quote(address, safe=URL_SIGNS), parts.netloc.removeprefix("www.") + parts.path.rstrip("/"))


def mode_design(check: Check) -> ModeDesign | None:
    """What the check's mode does by design, where modes differ."""
    told = check.result.by_design
    return ModeDesign(check.cell.mode, told.says, link(told.source)) if told else None


def command(result: Result) -> str:
    """The command that runs one check again, on one line."""
    return " ".join(result.reproduce.split())


def _note(key: str, checks: list[Check], merged: Merged) -> Note:
    by_value: dict[str, list[Check]] = {}
    for check in checks:
        by_value.setdefault(check.result.notes[key], []).append(check)
    result = checks[0].result
    return Note(
        feature=result.feature,
        feature_href=f"#{feature_anchor(result.feature)}",
        title=result.title,
        key=key,
        values=tuple((place((check.cell for check in same), merged.cells), value) for value, same in by_value.items()),
        differs=len(by_value) > 1,
    )


def _line(check: Check) -> CheckLine:
    result = check.result
    return CheckLine(
        mark=mark(result.verdict),
        cell=check.cell.title,
        title=result.title,
        test=result.test,
        href=_href(check),
        reason=first_line(result.reason),
        statistics=_statistics(result),
        notes=_notes(result),
        reproduce=command(result),
        seconds=duration(result.seconds),
    )


def _story(check: Check, same_test: list[Check], reader: EvidenceReader | None) -> Story:
    result = check.result
    others = [other for other in same_test if other.cell is not check.cell]
    return Story(
        anchor=check.anchor,
        mark=mark(result.verdict),
        folded=next(other for other in same_test if other.result.verdict is result.verdict).cell is not check.cell,
        cell=check.cell.title,
        feature=result.feature or "(no feature named)",
        feature_href=f"#{feature_anchor(result.feature)}",
        title=result.title,
        test=result.test,
        requirement=result.requirement,
        source=link(result.source),
        design=mode_design(check),
        reason=_reason(result),
        expected=shorten(result.expected, TEXT_LIMIT),
        observed=shorten(result.observed, TEXT_LIMIT),
        attempts=attempts(result.attempts) if reader else None,
        statistics=_statistics(result),
        notes=_notes(result),
        evidence=tuple(reader.view(check.cell.run, item) for item in result.evidence) if reader else (),
        remark="" if reader else f"Only the first {IN_FULL} stories are told in full; results.jsonl has all of them.",
        reproduce=command(result),
        seconds=duration(result.seconds),
        elsewhere=tuple(Elsewhere(other.cell.title, mark(other.result.verdict), _href(other)) for other in others),
    )


def _reason(result: Result) -> str:
    """Empty where the reason only says in one sentence what was expected and observed: both are told anyway."""
    told = result.expected and result.observed
    repeated = told and result.expected in result.reason and result.observed in result.reason
    return "" if repeated else shorten(result.reason, TEXT_LIMIT)


def _href(check: Check) -> str:
    return f"#{check.anchor}" if check.result.verdict in TOLD else ""


def _statistics(result: Result) -> tuple[tuple[str, str], ...]:
    return tuple((name, plain(value)) for name, value in result.statistics.items())


def _notes(result: Result) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in result.notes.items())
