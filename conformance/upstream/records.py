"""From what the upstream program told to the records of the run's stream."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from reports.model import Evidence, Verdict, Witness

from .mapping import features
from .outcomes import BROKEN_OFF, NotWhole, Outcome, Outcomes, read
from .running import Run
from .selection import Test, focus_of


class Told(msgspec.Struct, frozen=True):
    """What is known of every chosen test, and what keeps it from being all."""

    outcomes: dict[str, Outcome]
    trouble: str


def gather(report: Path, run: Run, chosen: Sequence[Test]) -> Told:
    """Out of the JUnit file or, where that is not whole, out of what was seen on the way."""
    trouble = run.trouble
    try:
        found = read(report)
    except NotWhole as error:
        found = Outcomes(seen(run, str(error)))
        trouble = f"{trouble or f'the tests ended with status {run.status}'}; {error}. Last words: {run.last_words}"
    if found.trouble:
        trouble = f"{trouble}; {found.trouble}".strip("; ")
    every = {test.name: found.tests.get(test.name) or broken_off(test) for test in chosen}
    if not trouble and any(one.reason == BROKEN_OFF for one in every.values()):
        trouble = "the tests broke off before their end: not all of them ran"
    return Told(every, trouble)


def broken_off(test: Test) -> Outcome:
    return Outcome(test=test.name, verdict=Verdict.SKIPPED, seconds=0.0, reason=BROKEN_OFF)


def seen(run: Run, why: str) -> dict[str, Outcome]:
    """What ginkgo printed of each test."""
    reason = f"{why}: what it says is in e2e.log alone"
    return {
        test: Outcome(
            test=test,
            verdict=ended.verdict,
            seconds=ended.seconds,
            reason="" if ended.verdict is Verdict.PASSED else reason,
        )
        for test, ended in run.ended.items()
    }


class Recorder:
    """Makes the record of each test. What was told of one that did not pass lies in ``folder``, below the run."""

    def __init__(self, fixed: Mapping[str, str], again: Sequence[str], folder: Path, root: Path) -> None:
        """``fixed`` is what all records share: cell, suite, version and start; ``again`` runs the suite once more."""
        self._fixed = fixed
        self._again = again
        self._folder = folder
        self._root = root

    def witness(self, test: Test, outcome: Outcome) -> Witness:
        return Witness(
            **self._fixed,
            test=test.name,
            verdict=outcome.verdict,
            source=test.source,
            features=features(self._fixed["suite"], test.name),
            reason=outcome.reason,
            evidence=evidence(outcome, self._folder, self._root),
            reproduce=shlex.join([*self._again, "--focus", focus_of(test.name)]),
            seconds=round(outcome.seconds, 3),
        )


def evidence(outcome: Outcome, folder: Path, root: Path) -> list[Evidence]:
    """What was told of a test that went wrong, as a file."""
    if not outcome.story:
        return []
    words = re.sub(r"[^a-z0-9]+", "-", outcome.test.lower()).strip("-")[:80]
    path = folder / f"{words}-{hashlib.sha256(outcome.test.encode()).hexdigest()[:6]}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(outcome.story, encoding="utf-8")
    return [Evidence(title="what the test says", path=str(path.relative_to(root)))]
