"""From the streams of runs to everything that people and CI systems read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from reports.conformance_report import conformance_reports
from reports.errors import ReportError
from reports.html import html
from reports.junit import junit
from reports.markdown import markdown
from reports.stream import read
from reports.terminal import show
from reports.views.merged import Merged, merge
from reports.views.page import page
from reports.views.parity import as_data

JUNIT, SUMMARY, HTML = "results.xml", "summary.md", "report.html"
WIDTH_WITHOUT_TERMINAL = 160
PARITY = "parity.json"
"""The table of parity for programs; only where controllers were asked for what ingress-nginx's annotations ask for."""


def render(runs: Sequence[Path], *, out: Path | None = None, console: Console | None = None) -> int:
    """Write results.xml, summary.md and report.html, show the summary, and return the exit status of the runs.

    A ConformanceReport is written beside them for each controller, and the table of parity where there is one. Several
    runs, for example the cells of a CI matrix, become one report. ``out`` is the first run's folder where it is not
    given. `ReportError` where a run cannot be read or the files cannot be written.
    """
    merged = _merged(runs)
    folder = out or runs[0]
    shown = page(merged, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / JUNIT, junit(merged))
        _replace(folder / SUMMARY, markdown(shown).encode())
        _replace(folder / HTML, html(shown).encode())
        for name, content in conformance_reports(merged).items():
            _replace(folder / name, content.encode())
        if shown.parity.rows:
            _replace(folder / PARITY, msgspec.json.format(msgspec.json.encode(as_data(shown.parity))))
    except OSError as error:
        raise ReportError(
            f"The report cannot be written to {folder}: {error.strerror}.", "Name another folder with --out."
        ) from error
    shown_on = console or screen()
    show(shown, shown_on)
    shown_on.print(f"\n{folder / HTML}", style="dim", markup=False, highlight=False, soft_wrap=True)
    return merged.status


def screen() -> Console:
    """Where summaries are shown; into a file or a log of CI so wide that no figure is cut off."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)


def summarise(runs: Sequence[Path], *, console: Console | None = None) -> int:
    """Show the summary alone, and return the exit status of the runs."""
    merged = _merged(runs)
    show(page(merged, runs[0]), console or screen())
    return merged.status


def _merged(runs: Sequence[Path]) -> Merged:
    return merge(read(run) for run in dict.fromkeys(runs))


def _replace(path: Path, content: bytes) -> None:
    """Readers of an earlier report see it or the new one, never half of one."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)
