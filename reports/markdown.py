"""The summary in Markdown, for a CI job's summary or a comment on a pull request.

Foreign text is escaped or fenced, so that it can neither break the layout nor call people by ``@name``. GitHub takes
comments of at most 65,536 characters, so stories and then tables are left out until the summary fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jinja2

from reports.text import first_line, plural, shorten
from reports.views.designs import FeatureDesign
from reports.views.figures import Figure
from reports.views.ground import Table, TableRow
from reports.views.loads import PERCENTILES, LoadBlock, LoadLine
from reports.views.marks import MARKS, Mark
from reports.views.matrix import Matrix, Section, Square
from reports.views.page import Page
from reports.views.parity import Parity
from reports.views.propagations import PropagationBlock, PropagationLine
from reports.views.stories import Link, NotJudged, Story
from reports.views.witnesses import WitnessBlock

TEMPLATES = Path(__file__).parent / "templates"
LIMIT = 60_000
BLOCK_LIMIT = 800
WITNESSES = 20
"""Failures and errors of others that the summary tells."""
CUTS = ((20, True), (5, True), (0, True), (0, False))
"""How many stories are told and whether the matrices are shown, from the best to the last resort."""
SIGNS = {"passed": "✅", "failed": "❌", "error": "⚠️"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$])")


@dataclass(frozen=True)
class StoryText:
    """One failure or error, its paragraphs already escaped."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Fold:
    """One API's rows; open where something is wrong."""

    summary: str
    open: bool
    table: str


@dataclass(frozen=True)
class MatrixText:
    """One matrix, folded by API."""

    title: str
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class LoadText:
    """One load block."""

    title: str
    description: str
    table: str


@dataclass(frozen=True)
class PropagationText:
    """One kind of change, as Markdown."""

    title: str
    table: str


@dataclass(frozen=True)
class WitnessText:
    """One suite of others."""

    title: str
    table: str
    agreement: str
    differences: str
    """A table; empty where there is none."""
    bad: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """All parts of a summary, as Markdown."""

    sign: str
    headline: str
    places: tuple[str, ...]
    sentences: tuple[str, ...]
    troubles: tuple[str, ...]
    cells: str
    stories: tuple[StoryText, ...]
    more: str
    matrices: tuple[MatrixText, ...]
    designs: str
    """A table; empty where modes do not differ, or one is alone."""
    parity: str
    """A table; empty where nothing of it ran."""
    witnesses: tuple[WitnessText, ...]
    propagations: tuple[PropagationText, ...]
    loads: tuple[LoadText, ...]
    caution: str
    not_judged: tuple[str, ...]
    conditions: tuple[str, ...]
    footer: str


def markdown(page: Page) -> str:
    """The summary's text, shorter than a comment may be."""
    # Not HTML: every value that reaches the template went through `inline`, `code`, `fence` or `table` below.
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("summary.md.jinja")
    for stories, matrices in CUTS:
        text = template.render(page=_summary(page, stories, matrices=matrices))
        if len(text) <= LIMIT:
            return text
    return f"{text[:LIMIT]}\n\nThe rest is in report.html.\n"


def inline(text: str) -> str:
    """Foreign text inside a paragraph or a table's cell."""
    line = " ".join(text.split())
    escaped = _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    return escaped.replace("@", "@\N{ZERO WIDTH SPACE}")


def code(text: str) -> str:
    """Foreign text as a code span, also inside of a table."""
    line = " ".join(text.split())
    ticks = _longer_than_any("`", line, 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}".replace("|", "\\|") if line else ""


def fence(text: str) -> str:
    """Foreign text as a block of its own."""
    block = shorten(text.strip("\n"), BLOCK_LIMIT)
    ticks = _longer_than_any("`", block, 3)
    return f"{ticks}text\n{block}\n{ticks}"


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of values that are Markdown already."""
    columns = list(heading)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _longer_than_any(tick: str, text: str, least: int) -> str:
    longest = max((len(found) for found in re.findall(f"{tick}+", text)), default=0)
    return tick * max(least, longest + 1)


def _summary(page: Page, stories: int, *, matrices: bool) -> Summary:
    left = len(page.stories) - stories
    return Summary(
        sign=SIGNS[page.answer.id],
        headline=inline(page.answer.headline),
        places=tuple(inline(place) for place in page.answer.places),
        sentences=tuple(inline(sentence) for sentence in page.answer.sentences),
        troubles=tuple(inline(trouble) for trouble in page.answer.troubles),
        cells=_cells(page),
        stories=tuple(_story(story) for story in page.stories[:stories]),
        more=f"{plural(left, 'more story') if left == 1 else f'{left} more stories'} in report.html."
        if left > 0
        else "",
        matrices=tuple(_matrix(matrix) for matrix in page.matrices) if matrices else (),
        designs=_designs(page.designs) if matrices else "",
        parity=_parity(page.parity) if matrices else "",
        witnesses=tuple(_witness(block) for block in page.witnesses),
        propagations=tuple(_propagation(block) for block in page.propagations),
        loads=tuple(_load(block) for block in page.loads),
        caution=inline(page.caution),
        not_judged=_not_judged(page.not_judged),
        conditions=tuple(_condition(page.conditions, row) for row in page.conditions.rows) if matrices else (),
        footer=f"Exit status {page.answer.status}. Everything, with evidence and curves, is in report.html of "
        f"{', '.join(code(run.name) for run in page.runs)}.",
    )


def _cells(page: Page) -> str:
    heading = ["cell", "cluster", *(f"{mark.emoji} {mark.word}" for mark in MARKS.values()), "load", "time"]
    rows = [
        [
            inline(cell.title),
            inline(f"{cell.provider}, {cell.nodes}"),
            *(str(tally.number or "") for tally in cell.tallies),
            inline(cell.loads),
            inline(cell.total),
        ]
        for cell in page.cells
    ]
    return table(heading, rows)


def _story(story: Story) -> StoryText:
    sign = next(mark.emoji for mark in MARKS.values() if mark.id == story.mark.id)
    source = _source(story.source)
    blocks = {"Expected": story.expected, "Observed": story.observed, "Run it again": story.reproduce}
    paragraphs = (
        inline(story.reason),
        f"> {inline(story.requirement)} {source}".rstrip() if story.requirement else "",
        *(f"{name}:\n\n{fence(text)}" for name, text in blocks.items() if text),
    )
    heading = f"{sign} {code(story.feature)} {inline(story.title)} ({inline(story.cell)})"
    return StoryText(heading, tuple(paragraph for paragraph in paragraphs if paragraph))


def _source(link: Link) -> str:
    return f"[source]({link.href})" if link.href else ""


def _matrix(matrix: Matrix) -> MatrixText:
    columns = [inline(" ".join(word for word in (column.controller, column.mode) if word)) for column in matrix.columns]
    return MatrixText(matrix.title, tuple(_fold(section, columns) for section in matrix.sections))


def _fold(section: Section, columns: list[str]) -> Fold:
    rows = [[code(row.feature), *(_square(square) for square in row.squares)] for row in section.rows]
    wrong = any({"failed", "error"} & set(row.verdicts.split()) for row in section.rows)
    return Fold(f"<b>{section.api.title}</b>: {section.summary}", wrong, table(["feature", *columns], rows))


def _square(square: Square) -> str:
    return " ".join(word for word in (square.mark.emoji, square.mark.word, square.count) if word)


def _designs(every: tuple[FeatureDesign, ...]) -> str:
    rows = [
        [code(design.feature), inline(one.mode), f"{inline(one.says)} {_source(one.source)}".rstrip()]
        for design in every
        if len(design.modes) > 1
        for one in design.modes
    ]
    return table(["feature", "mode", "by design"], rows) if rows else ""


def _parity(parity: Parity) -> str:
    heading = ["behaviour", *(inline(f"{column.controller}: {column.title}") for column in parity.columns)]
    rows = [
        [code(row.behaviour), *(f"{square.mark.emoji} {square.answer}".strip() for square in row.squares)]
        for row in parity.rows
    ]
    return table(heading, rows) if rows else ""


def _witness(block: WitnessBlock) -> WitnessText:
    heading = ["cell", *(f"{mark.emoji} {mark.word}" for mark in MARKS.values()), "time"]
    rows = [[inline(row.cell), *(str(tally.number or "") for tally in row.tallies), row.seconds] for row in block.rows]
    differing = [
        [inline(pair.mode), inline(pair.test), _verdict(pair.theirs), code(pair.feature), _verdict(pair.ours)]
        for pair in block.disagreements
    ]
    return WitnessText(
        title=inline(block.title),
        table=table(heading, rows),
        agreement=inline(block.agreement),
        differences=table(["mode", "their test", "theirs", "our feature", "ours"], differing) if differing else "",
        bad=tuple(
            f"{one.mark.emoji} {inline(one.test)} ({inline(one.cell)}): {inline(first_line(one.reason, 400))}"
            for one in block.bad[:WITNESSES]
        ),
    )


def _propagation(block: PropagationBlock) -> PropagationText:
    heading = ["cell", "Services", "changes", "first right p50", "p99", "last wrong p50", "p99", block.own]
    rows = [
        [inline(line.cell), line.services, line.changes, *_times(line), "" if line.void else inline(line.own)]
        for line in block.lines
    ]
    return PropagationText(title=inline(f"{block.title}: {block.told}"), table=table(heading, rows))


def _times(line: PropagationLine) -> list[str]:
    """p50 and p99 of the first right and the last wrong question."""
    if line.void:
        return [f"**void**: {inline(first_line(line.void))}", "", "", ""]
    return [figures[number].value for figures in (line.first_right, line.last_wrong) for number in (0, 2)]


def _verdict(mark: Mark) -> str:
    return f"{mark.emoji} {mark.word}"


def _load(block: LoadBlock) -> LoadText:
    heading = ["cell", "answered/s", *PERCENTILES, "errors"]
    rows = [_load_row(line) for line in block.lines]
    return LoadText(inline(block.title), inline(block.description), table(heading, rows))


def _load_row(line: LoadLine) -> list[str]:
    if line.void:
        return [inline(line.cell), f"**void**: {inline(first_line(line.void))}", *([""] * len(PERCENTILES)), ""]
    errors = ", ".join(f"{kind} {number}" for kind, number in line.errors) or "none"
    figures = (line.throughput, *line.latencies)
    return [inline(line.cell), *(_figure(figure) for figure in figures), inline(errors)]


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return "—"
    return f"{figure.value} ({figure.interval})" if figure.interval else figure.value


def _condition(table: Table, row: TableRow) -> str:
    """One condition of the clusters; its values cell by cell where they differ."""
    if len(row.values) == 1:
        where = f" ({row.where})" if row.where else ""
        return f"{inline(row.name + where)}: {inline(row.values[0])}"
    told = "; ".join(f"{cell}: {value}" for cell, value in zip(table.columns, row.values, strict=True))
    return f"{inline(row.name)}: {inline(told)}"


def _not_judged(items: Iterable[NotJudged]) -> tuple[str, ...]:
    """A line for each reason, with all features that it keeps from being judged."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for item in items:
        alike.setdefault((item.mark.word, item.cells, item.reason), []).append(code(item.feature))
    return tuple(
        f"{', '.join(dict.fromkeys(features))} {word} {inline(cells)}: {inline(first_line(reason))}"
        for (word, cells, reason), features in alike.items()
    )
