"""What ingress-nginx's annotations ask for, on each controller and in each of its ways: what held, and the recipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.model import Recipe, Verdict
from reports.text import anchor, first_line
from reports.views.marks import ABSENT, Mark, mark
from reports.views.matrix import feature_anchor
from reports.views.merged import Check, Merged, worst

ANSWERS = {
    Verdict.PASSED: "yes",
    Verdict.FAILED: "no",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.ERROR: "not judged",
    Verdict.SKIPPED: "not verified",
}
NOT_ASKED = "not asked yet"
"""Nobody has looked up how this controller is asked for it."""
HINT = 400


@dataclass(frozen=True)
class ParityColumn:
    """One way of one controller."""

    controller: str
    way: str
    title: str


@dataclass(frozen=True)
class ParitySquare:
    """One behaviour in one way."""

    column: ParityColumn
    mark: Mark
    answer: str
    """``yes``, ``no``, ``as ingress-nginx`` …; empty where nothing ran."""
    measured: tuple[tuple[str, str], ...]
    """What was recorded with it."""
    reason: str
    recipe: str
    """The manifest that asked for it; empty where there is none."""
    anchor: str
    """Of the recipe; empty where it is not to be copied, because it did not do what it asks for."""


@dataclass(frozen=True)
class ParityRow:
    """One behaviour."""

    behaviour: str
    feature: str
    href: str
    requirement: str
    source: str
    squares: tuple[ParitySquare, ...]


@dataclass(frozen=True)
class Parity:
    """The table; without rows nothing of it ran."""

    columns: tuple[ParityColumn, ...]
    rows: tuple[ParityRow, ...]

    @property
    def recipes(self) -> tuple[tuple[ParityRow, ParitySquare], ...]:
        """Every recipe that worked, behaviour by behaviour."""
        return tuple((row, square) for row in self.rows for square in row.squares if square.anchor)


def parity(merged: Merged) -> Parity:
    """All checks that carry a recipe, or why there is none; kube-proxy's modes make no difference to them."""
    asked = [(check, check.result.recipe) for check in merged.checks if check.result.recipe is not None]
    columns = tuple(dict.fromkeys(_column(*one) for one in asked))
    behaviours = dict.fromkeys((check.result.feature, recipe.behaviour) for check, recipe in asked)
    return Parity(
        columns,
        tuple(
            _row(feature, behaviour, columns, [(check, recipe) for check, recipe in asked
                                               if (check.result.feature, recipe.behaviour) == (feature, behaviour)])
            for feature, behaviour in behaviours
        ),
    )  # fmt: skip


def as_data(table: Parity) -> list[dict[str, object]]:
    """The table for programs: an object for each behaviour in each way."""
    return [
        {
            "behaviour": row.behaviour,
            "feature": row.feature,
            "requirement": row.requirement,
            "source": row.source,
            "controller": square.column.controller,
            "way": square.column.way,
            "title": square.column.title,
            "verdict": square.mark.id,
            "answer": square.answer,
            "measured": dict(square.measured),
            "reason": square.reason,
            "recipe": square.recipe,
        }
        for row in table.rows
        for square in row.squares
        if square.answer
    ]


def _column(check: Check, recipe: Recipe) -> ParityColumn:
    return ParityColumn(check.cell.controller or recipe.controller, recipe.way, recipe.title)


def _row(feature: str, behaviour: str, columns: Iterable[ParityColumn], asked: list[tuple[Check, Recipe]]) -> ParityRow:
    result = asked[0][0].result
    return ParityRow(
        behaviour=behaviour,
        feature=feature,
        href=f"#{feature_anchor(feature)}",
        requirement=result.requirement,
        source=result.source,
        squares=tuple(
            _square(behaviour, column, [one for one in asked if _column(*one) == column]) for column in columns
        ),
    )


def _square(behaviour: str, column: ParityColumn, asked: list[tuple[Check, Recipe]]) -> ParitySquare:
    verdict = worst(check.result.verdict for check, _ in asked)
    if verdict is None:
        return ParitySquare(column, ABSENT, "", (), "", "", "")
    shown, recipe = next((check, recipe) for check, recipe in asked if check.result.verdict is verdict)
    copied = verdict is Verdict.PASSED and bool(recipe.text)
    return ParitySquare(
        column=column,
        mark=mark(verdict),
        answer=_answer(verdict, recipe),
        measured=tuple(shown.result.notes.items()),
        reason=first_line(shown.result.reason, HINT),
        recipe=recipe.text,
        anchor=anchor("recipe", behaviour, column.controller, column.way) if copied else "",
    )


def _answer(verdict: Verdict, recipe: Recipe) -> str:
    if verdict is Verdict.SKIPPED and not recipe.text:
        return NOT_ASKED
    if recipe.like_ingress_nginx is None or verdict not in {Verdict.PASSED, Verdict.FAILED}:
        return ANSWERS[verdict]
    return "as ingress-nginx" if recipe.like_ingress_nginx else "otherwise"
