"""What a Go test program prints while it runs (``-test.v=test2json``, which tells each end at once), line by line.

A test's end is told at once, ``    --- PASS: TestConformance/HTTPRouteWeight (0.53s)``; what it says stands below a
line that names it, ``=== NAME  TestConformance/HTTPRouteWeight``: https://pkg.go.dev/cmd/go#hdr-Testing_flags
"""

from __future__ import annotations

import re
from collections.abc import Collection

from reports.model import Verdict

from .outcomes import BROKEN_OFF, REASON, Outcome
from .progress import Ended

END = re.compile(r"^\x16? *--- (PASS|FAIL|SKIP): \w+/(\w+) \(([\d.]+)s\)$")
PART = re.compile(r"^\x16? *--- \w+: ")
"""The end of a part of a test: what the parts came to, the test's own end says."""
ABOUT = re.compile(r"^\x16?=== (?:RUN|NAME|CONT|PAUSE) +\w+(?:/(\w+))?")
ERROR = re.compile(r"^\s*Error:\s+(.*?)(?=^\s*(?:Test|Messages):)", re.MULTILINE | re.DOTALL)
MESSAGE = re.compile(r"^\s*Messages:\s+(.*?)(?=^\s{4,8}\S+\.go:|\Z)", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^\s+\S+\.go:\d+: (?:\d{4}-\S+ )?(.*)$", re.MULTILINE)
UNCLAIMED = "suite does not support"
"""The suite's words for a test of a feature that the controller does not claim."""
VERDICTS = {"PASS": Verdict.PASSED, "FAIL": Verdict.FAILED, "SKIP": Verdict.SKIPPED}


class GoReader:
    """Reads the output; ``tests`` are the names that may come."""

    def __init__(self, tests: Collection[str]) -> None:
        self._tests = set(tests)
        self._about = ""
        self._told: dict[str, list[str]] = {}

    def read(self, line: str) -> Ended | None:
        """Take one line; the test that it ends, where it ends one."""
        if found := END.match(line.rstrip()):
            state, test, seconds = found.groups()
            return Ended(test, VERDICTS[state], float(seconds)) if test in self._tests else None
        if found := ABOUT.match(line):
            self._about = found[1] or ""
        elif self._about and not PART.match(line):
            self._told.setdefault(self._about, []).append(line.rstrip("\n"))
        return None

    def outcome(self, ended: Ended) -> Outcome:
        """The test's end with what it said."""
        told = "\n".join(self._told.get(ended.test, []))
        verdict, reason = ended.verdict, ""
        if verdict is Verdict.SKIPPED:
            reason = last_said(told) or "it was skipped without a word why"
            verdict = Verdict.UNSUPPORTED if UNCLAIMED in reason else verdict
        elif verdict is Verdict.FAILED:
            reason = failure(told)
        story = told if verdict is Verdict.FAILED else ""
        return Outcome(test=ended.test, verdict=verdict, seconds=ended.seconds, reason=reason, story=story)


def last_said(told: str) -> str:
    found = SAID.findall(told)
    return str(found[-1]).strip() if found else ""


def failure(told: str) -> str:
    """The first error of a test, in its words."""
    error, message = ERROR.search(told), MESSAGE.search(told)
    words = [" ".join(found[1].split()) for found in (message, error) if found]
    return ": ".join(words)[:REASON] or last_said(told)[:REASON] or "it failed without a word why"


def broken_off(test: str) -> Outcome:
    return Outcome(test=test, verdict=Verdict.SKIPPED, seconds=0.0, reason=BROKEN_OFF)
