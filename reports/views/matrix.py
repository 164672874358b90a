"""Feature × mode, and feature × controller: which behaviour holds where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.apis import Api, Axis, api_of
from reports.model import Verdict
from reports.text import anchor, first_line, plural
from reports.views.marks import Mark, mark
from reports.views.merged import CellView, Check, Merged, mode_order, worst


@dataclass(frozen=True)
class Column:
    """One mode, or one controller in one mode."""

    group: str
    """The controller's name; empty where columns are modes."""
    title: str
    mode: str
    controller: str


@dataclass(frozen=True)
class Group:
    """Columns side by side under one heading."""

    title: str
    span: int


@dataclass(frozen=True)
class Square:
    """One feature in one column."""

    mark: Mark
    column: str
    """The column's full name, for narrow screens and for ears."""
    href: str
    """The story behind it; empty where nothing ran."""
    count: str
    """``2 of 3 checks`` where only some of several checks have the verdict shown; empty otherwise."""
    hint: str


@dataclass(frozen=True)
class Row:
    """One feature across all columns."""

    feature: str
    anchor: str
    title: str
    squares: tuple[Square, ...]
    verdicts: str
    """The verdicts of the row, separated by spaces, for the filter."""
    differs: str
    """What a row says that is not the same in every column; empty where it is."""
    noted: bool
    """Whether behaviour was recorded here without being judged."""


@dataclass(frozen=True)
class Section:
    """The rows of one API."""

    api: Api
    rows: tuple[Row, ...]
    summary: str


@dataclass(frozen=True)
class Matrix:
    """All APIs that are compared across the same columns."""

    id: str
    title: str
    groups: tuple[Group, ...]
    """One per controller; empty where columns are modes."""
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]


def feature_anchor(feature: str) -> str:
    """Where a feature's own story is on the page."""
    return anchor("feature", feature)


def matrices(merged: Merged) -> tuple[Matrix, ...]:
    """One matrix per axis that has any feature."""
    made = (_matrix(merged, axis) for axis in Axis)
    return tuple(matrix for matrix in made if matrix.sections)


def _matrix(merged: Merged, axis: Axis) -> Matrix:
    checks = [check for check in merged.checks if api_of(check.result.feature).axis is axis]
    columns = _columns({check.cell.key: check.cell for check in checks}.values(), axis)
    groups = tuple(Group(title, len(list(same))) for title, same in groupby(column.group for column in columns))
    sections = tuple(
        _section(api, list(same), columns)
        for api, same in groupby(checks, key=lambda check: api_of(check.result.feature))
    )
    return Matrix(
        id=f"matrix-{axis}",
        title=f"Feature × {axis}",
        groups=groups if axis is Axis.CONTROLLER else (),
        columns=columns,
        sections=sections,
    )


def _columns(cells: Iterable[CellView], axis: Axis) -> tuple[Column, ...]:
    if axis is Axis.MODE:
        modes = sorted({cell.mode for cell in cells}, key=mode_order)
        return tuple(Column("", mode, mode, "") for mode in modes)
    pairs = sorted({(cell.controller, cell.mode) for cell in cells}, key=lambda pair: (pair[0], mode_order(pair[1])))
    return tuple(Column(controller or "no controller", mode, mode, controller) for controller, mode in pairs)


def _section(api: Api, checks: Sequence[Check], columns: tuple[Column, ...]) -> Section:
    features = groupby(checks, key=lambda check: check.result.feature)
    rows = tuple(_row(feature, list(same), columns, api.axis) for feature, same in features)
    bad = sum(1 for row in rows if {"failed", "error"} & set(row.verdicts.split()))
    return Section(
        api,
        rows,
        f"{plural(len(rows), 'feature')}, {'none with a failure' if not bad else f'{bad} with a failure or an error'}",
    )


def _row(feature: str, checks: list[Check], columns: tuple[Column, ...], axis: Axis) -> Row:
    squares = []
    for column in columns:
        here = [check for check in checks if _belongs(check.cell, column, axis)]
        squares.append(_square(feature, here, column))
    return Row(
        feature=feature or "(no feature named)",
        anchor=feature_anchor(feature),
        title=first_line(checks[0].result.requirement or checks[0].result.title, 240),
        squares=tuple(squares),
        verdicts=" ".join(dict.fromkeys(square.mark.id for square in squares)),
        differs=_difference(checks, squares),
        noted=any(check.result.notes for check in checks),
    )


def _belongs(cell: CellView, column: Column, axis: Axis) -> bool:
    return cell.mode == column.mode and (axis is Axis.MODE or cell.controller == column.controller)


def _square(feature: str, checks: list[Check], column: Column) -> Square:
    name = " · ".join(word for word in (column.mode, column.controller) if word)
    verdict = worst(check.result.verdict for check in checks)
    if verdict is None:
        return Square(mark(None), name, "", "", f"{feature} did not run on {name}")
    shown = [check for check in checks if check.result.verdict is verdict]
    told = verdict in {Verdict.FAILED, Verdict.ERROR}
    return Square(
        mark=mark(verdict),
        column=name,
        href=f"#{shown[0].anchor if told else feature_anchor(feature)}",
        count=f"{len(shown)} of {len(checks)} checks" if len(shown) < len(checks) else "",
        hint=f"{feature} on {name}: {verdict}"
        + (f" — {first_line(shown[0].result.reason)}" if shown[0].result.reason else ""),
    )


def _difference(checks: list[Check], squares: list[Square]) -> str:
    if len({square.mark.id for square in squares if square.href}) > 1:
        return "verdicts differ"
    told: dict[tuple[str, str], set[str]] = {}
    for check in checks:
        for key, value in check.result.notes.items():
            told.setdefault((check.result.test, key), set()).add(value)
    if any(len(values) > 1 for values in told.values()):
        return "behaviour differs"
    designed = {check.result.by_design.says for check in checks if check.result.by_design}
    return "differs by design" if len(designed) > 1 else ""
