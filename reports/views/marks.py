"""How verdicts are named and marked: always a shape and a word, never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from reports.model import Verdict


@dataclass(frozen=True)
class Mark:
    """One verdict as people see it."""

    id: str
    """The verdict, or ``absent``; templates use it as a class and as the name of the drawn mark."""
    sign: str
    """One character for plain text."""
    emoji: str
    """One character for Markdown, where comments have no colours of their own."""
    word: str
    meaning: str


MARKS = {
    Verdict.PASSED: Mark("passed", "✓", "✅", "passed", "the requirement held"),
    Verdict.FAILED: Mark("failed", "✗", "❌", "failed", "the system under test did not do what is required"),
    Verdict.ERROR: Mark("error", "!", "⚠️", "error", "Roadtest or the machine broke; nothing was judged"),
    Verdict.UNSUPPORTED: Mark("unsupported", "–", "➖", "unsupported", "declared as not supported"),
    Verdict.SKIPPED: Mark("skipped", "○", "⏭️", "skipped", "left out, with a reason"),
}
ABSENT = Mark("absent", "", "", "not run", "no check of this feature ran here")


def mark(verdict: Verdict | None) -> Mark:
    """The verdict's mark, or `ABSENT`'s where nothing ran."""
    return ABSENT if verdict is None else MARKS[verdict]
