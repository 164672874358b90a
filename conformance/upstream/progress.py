"""What ginkgo prints while it runs, line by line: which test has come to its end, how, and after how long.

https://onsi.github.io/ginkgo/#getting-visibility-into-long-running-specs. It prints tests in two ways. Several
processes: the mark, then the name. One process: the name, everything that the test does, and then the mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from reports.model import Verdict

MARK = re.compile(r"^(?:•|S|P|\^)!? ?(?:\[(?P<state>[A-Z !]+)\] )?\[(?P<seconds>[\d.]+) seconds\]$")
NODE = re.compile(r"\[(?:It|BeforeEach|JustBeforeEach|AfterEach|JustAfterEach|DeferCleanup \([^)]*\))\] ")
"""Where in a test it ended, put into the middle of a name that did not pass."""
STATES = {
    "": Verdict.PASSED,
    "FAILED": Verdict.FAILED,
    "TIMEDOUT": Verdict.SKIPPED,  # whose time was over, its own or that of all of them, only the JUnit file tells
    "PANICKED!": Verdict.ERROR,
}


class Ended(msgspec.Struct, frozen=True):
    """A test came to its end."""

    test: str
    verdict: Verdict
    seconds: float


class Reader:
    """Reads the output; ``tests`` are the names that may come."""

    def __init__(self, tests: Collection[str]) -> None:
        self._tests = sorted(tests, key=len, reverse=True)
        self._mark: re.Match[str] | None = None
        self._ended: set[str] = set()
        self.running = ""
        """The test that runs, where one process runs them; empty where several do."""

    def read(self, line: str) -> Ended | None:
        """Take one line; the test that it ends, where it ends one."""
        line = line.rstrip()
        if found := MARK.match(line):
            if self.running:
                test, self.running = self.running, ""
                return self._end(test, found)
            self._mark = found
            return None
        mark, self._mark = self._mark, None
        test = self._named(line) if line.startswith("[") else ""
        if test and mark:
            return self._end(test, mark)
        if test and test not in self._ended and not self.running:  # a failure's name is told once more behind its mark
            self.running = test
        return None

    def _end(self, test: str, mark: re.Match[str]) -> Ended:
        self._ended.add(test)
        return ended(test, mark)

    def _named(self, line: str) -> str:
        """The test that a line is about. Labels follow the name."""
        line = NODE.sub("", line)
        return next((test for test in self._tests if line.startswith(test)), "")


def ended(test: str, mark: re.Match[str]) -> Ended:
    return Ended(test, STATES.get(mark["state"] or "", Verdict.SKIPPED), float(mark["seconds"]))
