"""What became of each test: out of the JUnit file that the upstream program writes at its end."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec

from reports.model import Verdict

IT = "[It] "
"""How ginkgo's JUnit marks a test, beside what prepares and cleans up."""
VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "timedout": Verdict.FAILED,
    "panicked": Verdict.ERROR,  # a crash of their test judges nothing
    "skipped": Verdict.SKIPPED,
    "pending": Verdict.SKIPPED,
    "interrupted": Verdict.SKIPPED,
    "aborted": Verdict.SKIPPED,
}
"""https://pkg.go.dev/github.com/onsi/ginkgo/v2/types#SpecState"""
NO_IMAGE = re.compile(
    r"(?:Failed to pull image|Back-off pulling image|failed to pull and unpack image) \\?\"([^\"\\]+)"
)
REASON = 2000
SUITE_TIMEOUT = "A suite timeout occurred"
"""ginkgo's words when --minutes is over while a test runs."""
BROKEN_OFF = "the run ended before the test did"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One test's end."""

    test: str
    verdict: Verdict
    seconds: float
    reason: str = ""
    story: str = ""
    """Everything that was told of a test that did not pass."""


class Outcomes(msgspec.Struct, frozen=True):
    """What a JUnit file tells."""

    tests: dict[str, Outcome]
    trouble: str = ""
    """Why nothing could be judged: the suite's own preparation failed; empty where it did not."""


class NotWhole(ValueError):  # noqa: N818 - a state of a file, told in a sentence
    """The file is not there, or was cut off."""


def read(path: Path) -> Outcomes:
    """Raise `NotWhole` for a file that is no whole JUnit document."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - written by the program that we just ran
    except FileNotFoundError:
        raise NotWhole(f"{path.name} was never written") from None
    except (ET.ParseError, OSError) as error:
        raise NotWhole(f"{path.name} is not whole: {error}") from error
    cases = list(root.iter("testcase"))
    tests = [outcome(case) for case in cases if case.get("name", "").startswith(IT)]
    prepared = [
        f"{case.get('name')} {case.get('status')}: {first_words(texts(case))}"
        for case in cases
        if "BeforeSuite" in case.get("name", "") and case.get("status") not in {"passed", "skipped"}
    ]
    return Outcomes({one.test: one for one in tests}, "; ".join(prepared))


def outcome(case: ET.Element) -> Outcome:
    status = case.get("status", "")
    verdict = VERDICTS.get(status, Verdict.ERROR)
    told = texts(case)
    reason = "" if verdict is Verdict.PASSED else reason_of(status, case, told)
    if status == "timedout" and SUITE_TIMEOUT in told:  # our own limit for all of them, and not the test's
        verdict, reason = Verdict.SKIPPED, BROKEN_OFF
    if verdict is Verdict.FAILED and (missing := NO_IMAGE.search(told)):
        verdict = Verdict.ERROR
        reason = f"its image {missing[1]} is on no node, and no node reaches a registry: nothing was judged. {reason}"
    return Outcome(
        test=case.get("name", "").removeprefix(IT),
        verdict=verdict,
        seconds=float(case.get("time") or 0),
        reason=reason,
        story="" if verdict in {Verdict.PASSED, Verdict.SKIPPED} else told,
    )


def reason_of(status: str, case: ET.Element, told: str) -> str:
    if status in {"interrupted", "aborted"}:
        return BROKEN_OFF
    if status in {"skipped", "pending"}:
        element = case.find("skipped")
        words = ((element.get("message") or "") if element is not None else "").removeprefix("skipped - ")
        return words if words and words != status else BROKEN_OFF
    return first_words(told) or f"{status or 'no status'}, without a word why"


def first_words(told: str) -> str:
    """What a failure says, without the places in the code that it comes from."""
    words = re.split(r"\n\s*In \[\w+\] at: |\nThere were additional failures", told, maxsplit=1)[0]
    words = re.sub(r"^\s*\[(FAILED|PANICKED|TIMEDOUT|INTERRUPTED)\]\s*", "", words).strip()
    return words if len(words) <= REASON else f"{words[: REASON - 1]}…"


def texts(case: ET.Element) -> str:
    """Everything that a test case says: the failure first, then what was written while it ran."""
    parts = [case.find(name) for name in ("failure", "error", "system-out", "system-err")]
    said = []
    for part in parts:
        if part is not None:
            said += [part.get("message") or "", part.text or ""]
    return "\n\n".join(text.strip() for text in said if text.strip())
