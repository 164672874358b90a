"""One self-contained HTML page: no request leaves it, it works without scripts, in light and dark, and on paper.

Everything foreign is printable (see `reports.views.merged`) and escaped by Jinja; scripts other than the page's own are
refused by its content security policy.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from reports import charts
from reports.views.loads import PERCENTILES, LoadBlock, LoadLine
from reports.views.page import Page

TEMPLATES = Path(__file__).parent / "templates"
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class DrawnBlock:
    """A load block with its charts."""

    anchor: str
    title: str
    profile: str
    description: str
    lines: tuple[LoadLine, ...]
    percentiles: tuple[str, ...]
    curve_chart: Markup
    rate_chart: Markup
    remarks: tuple[str, ...]


def html(page: Page) -> str:
    """The page's text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(
        page=page,
        loads=[_drawn(block) for block in page.loads],
        start_up=_ours(charts.start_up(page.steps)),
        style=_ours((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=_ours(script),
        script_digest=_digest(f"\n{script}\n"),
    )


def prose(text: str) -> Markup:
    """Foreign text, escaped, with what stands between backticks set as code."""
    return Markup(_QUOTED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just here


def _drawn(block: LoadBlock) -> DrawnBlock:
    return DrawnBlock(
        anchor=block.anchor,
        title=block.title,
        profile=block.profile,
        description=block.description,
        lines=block.lines,
        percentiles=PERCENTILES,
        curve_chart=_ours(charts.latency_curves(block.curves)),
        rate_chart=_ours("" if block.open else charts.throughput(block.rates)),
        remarks=block.remarks,
    )


def _ours(text: str) -> Markup:
    """Text that this package made: its own files, and drawings in which Vega has escaped whatever is foreign."""
    return Markup(text)  # noqa: S704 - the one place, for the two kinds of text named above


def _digest(script: str) -> str:
    """What a content security policy calls a script by: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
