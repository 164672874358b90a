"""The summary at the end of a run, in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from reports.text import first_line
from reports.views.figures import Figure
from reports.views.marks import MARKS
from reports.views.page import Page
from reports.views.stories import Story

STYLES = {"passed": "green", "failed": "bold red", "error": "bold magenta", "unsupported": "dim", "skipped": "dim"}
STORIES = 12
"""Failures and errors told in the terminal; the page has them all."""


def show(page: Page, console: Console) -> None:
    """Answer, cells, what went wrong, figures; nothing that scrolls the answer away."""
    console.print()
    _cells(page, console)
    for story in page.stories[:STORIES]:
        _story(story, console)
    if len(page.stories) > STORIES:
        console.print(f"{len(page.stories) - STORIES} more are in report.html\n", style="dim")
    _witnesses(page, console)
    _propagations(page, console)
    _loads(page, console)
    console.print(page.answer.headline, style=STYLES[page.answer.id], markup=False, highlight=False)
    for sentence in (*page.answer.places, *page.answer.sentences):
        console.print(sentence, markup=False, highlight=False)
    for trouble in page.answer.troubles:
        console.print(f"not whole: {trouble}", style=STYLES["error"], markup=False, highlight=False)


def _cells(page: Page, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("cell", no_wrap=True)
    for mark in MARKS.values():
        table.add_column(mark.word, justify="right")
    table.add_column("load")
    table.add_column("time", justify="right", no_wrap=True)
    for cell in page.cells:
        numbers = (
            f"[{STYLES[tally.mark.id]}]{tally.mark.sign} {tally.number}[/]" if tally.number else "[dim]·[/]"
            for tally in cell.tallies
        )
        table.add_row(escape(cell.title), *numbers, escape(cell.loads), escape(cell.total))
    console.print(table)
    console.print()


def _story(story: Story, console: Console) -> None:
    style = STYLES[story.mark.id]
    title = f"[{style}]{story.mark.sign} {story.mark.word}[/] [bold]{escape(story.feature)}[/] {escape(story.title)}"
    console.print(f"{title} [dim]{escape(story.cell)}[/]", highlight=False)
    parts = {"": story.reason, "expected ": story.expected, "observed ": story.observed, "again    ": story.reproduce}
    for name, text in parts.items():
        if text:
            console.print(f"  [dim]{name}[/]{escape(first_line(text, 400))}", highlight=False, soft_wrap=True)
    console.print()


def _propagations(page: Page, console: Console) -> None:
    for block in page.propagations:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in (
            "cell",
            "Services",
            "changes",
            "first right p50",
            "p99",
            "last wrong p50",
            "p99",
            block.own,
        ):
            table.add_column(heading, no_wrap=True, justify="left" if heading == "cell" else "right")
        for line in block.lines:
            if line.void:
                table.add_row(escape(line.cell), line.services, line.changes, "[magenta]void[/]")
                continue
            p50, _, p99, _ = line.first_right
            wrong50, _, wrong99, _ = line.last_wrong
            values = (p50.value, p99.value, wrong50.value, wrong99.value, line.own)
            table.add_row(escape(line.cell), line.services, line.changes, *values)
        console.print(f"{block.title}: {block.told}", style="bold", markup=False, highlight=False)
        console.print(table)
        for line in block.lines:
            if line.void:
                told = f"void: {line.cell} among {line.services} Services: {first_line(line.void, 400)}"
                console.print(told, style="magenta", markup=False, highlight=False, soft_wrap=True)
        console.print()


def _witnesses(page: Page, console: Console) -> None:
    for block in page.witnesses:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("cell", no_wrap=True)
        for mark in MARKS.values():
            table.add_column(mark.word, justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        for row in block.rows:
            numbers = (f"{tally.mark.sign} {tally.number}" if tally.number else "·" for tally in row.tallies)
            table.add_row(escape(row.cell), *numbers, row.seconds)
        console.print(block.title, style="bold", markup=False, highlight=False)
        console.print(table)
        console.print()
        for one in block.bad[:STORIES]:
            style = STYLES[one.mark.id]
            title = f"[{style}]{one.mark.sign} {one.mark.word}[/] [bold]{escape(one.test)}[/]"
            console.print(title, highlight=False, soft_wrap=True)
            for name, text in {"": one.reason, "again    ": one.reproduce}.items():
                if text:  # not as markup: a pattern in a command holds what rich takes for its own
                    console.print(Text.assemble("  ", (name, "dim"), first_line(text, 400)), soft_wrap=True)
            console.print()
        if len(block.bad) > STORIES:
            console.print(f"{len(block.bad) - STORIES} more are in report.html\n", style="dim")


def _loads(page: Page, console: Console) -> None:
    if not page.loads:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("load", no_wrap=True)
    for heading in ("answered/s", "p50", "p99", "p99.9"):
        table.add_column(heading, justify="right")
    for block in page.loads:
        table.add_row(f"[bold]{escape(block.title)}[/]")
        for line in block.lines:
            if line.void:
                table.add_row(f"  {escape(line.cell)}", "[magenta]void[/]")
            else:
                p50, _, p99, p999, _ = line.latencies
                figures = (_value(figure) for figure in (line.throughput, p50, p99, p999))
                table.add_row(f"  {escape(line.cell)}", *figures)
    console.print(table)
    console.print()


def _value(figure: Figure | None) -> str:
    return figure.value if figure else "—"
