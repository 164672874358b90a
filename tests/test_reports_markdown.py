"""The Markdown summary: readable in a pull request, short enough for it, and unbreakable by foreign text."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

import reports
from reports import Verdict
from reports.markdown import LIMIT, code, fence, inline, markdown
from reports.views.merged import merge
from reports.views.page import page
from tests import reports_hostile, reports_miniature


def summary(*runs: Path) -> str:
    return markdown(page(merge(reports.read(run) for run in runs), runs[0]))


def headings(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    pairs = pairwise(tokens)
    return [inside.content for token, inside in pairs if token.type == "heading_open"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return summary(reports_miniature.write(tmp_path_factory.mktemp("markdown") / "run"))


def test_the_verdict_is_the_first_line(text: str) -> None:
    assert text.splitlines()[:3] == [
        "## ⚠️ 34 of 37 features hold wherever they were judged; 2 fail somewhere, 1 is unproved.",
        "",
        "- Traefik 3.7.15: fails svc.etp.local (on nftables) and can.weight (on nftables); 2 of 82 checks unsupported, "
        "2 skipped, 1 in error.",
    ]


def test_failures_are_told_with_expectation_observation_and_command(text: str) -> None:
    story = text.partition("### ❌ `svc.etp.local`")[2].partition("###")[0]
    assert "Expected:\n\n```text\nevery answer from n1" in story
    assert "Observed:\n\n```text\nn1: 10 of 10" in story
    assert "Run it again:\n\n```text\n./noxw -s" in story
    assert "[source](https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy)" in story


def test_the_matrix_is_folded_by_api_and_open_where_something_is_wrong(text: str) -> None:
    folds = re.findall(r"<details( open)?><summary><b>([^<]+)</b>", text)
    assert folds == [
        (" open", "Services"),
        ("", "DNS"),
        ("", "Ingress"),
        ("", "Gateway API"),
        (" open", "Canary"),
    ]
    assert "| `can.weight` | ✅ passed | ❌ failed 1 of 2 checks |" in text


def test_what_modes_do_by_design_is_folded_away_with_its_sources(text: str) -> None:
    assert "<summary>Where modes differ by design</summary>" in text
    assert "| `svc.no-endpoints.reject` | iptables | By a REJECT rule. [source](" in text
    assert "| `svc.no-endpoints.reject` | nftables | By the verdict map no-endpoint-services. [source](" in text


def test_figures_come_with_intervals_and_void_ones_not_at_all(text: str) -> None:
    load = text.partition("### Load")[2]
    assert load.strip().startswith("An interval covers chance within one measurement")
    assert re.search(r"\| iptables · Traefik 3\.7\.15 \| 1\W999 \(1\W969 – 2\W023\) \|", load)
    void = next(line for line in load.splitlines() if "**void**" in line)
    assert "The generator lagged" in void
    assert " ms" not in void.partition("Give it")[2]


def test_how_controllers_are_set_is_among_the_conditions(text: str) -> None:
    told = text.partition("<summary>Conditions of the clusters</summary>")[2].splitlines()
    assert "- traefik throttle: 2s, the default" in told
    assert "- iptables back end: iptables · Traefik 3.7.15: nf\\_tables; nftables · Traefik 3.7.15: not used" in told


def test_every_table_row_has_its_heading_s_columns(text: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) > 8
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_foreign_text_adds_no_heading_no_markup_and_calls_nobody(tmp_path: Path) -> None:
    text = summary(reports_hostile.write(tmp_path / "run"))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    markup = {token.content.strip() for token in tokens if token.type == "html_block"}
    inside = {child.content for token in tokens for child in token.children or [] if child.type == "html_inline"}
    assert not [found for found in (*markup, *inside) if "script" in found or "img" in found]
    assert not [heading for heading in headings(text) if heading.startswith("heading")]
    prose = [child.content for token in tokens for child in token.children or [] if child.type == "text"]
    assert not [words for words in prose if "@everybody" in words]
    assert "\0" not in text


@pytest.mark.parametrize("foreign", ["a|b", "``x```", "`", "a\nb", "*b*", "<b>", "@you", "[x](y)", "$x$"])
def test_escapes_give_back_the_text_itself(foreign: str) -> None:
    plain = " ".join(foreign.split())
    reader = MarkdownIt("commonmark").enable("table")
    for written in (inline(foreign), code(foreign)):
        row = f"| a |\n|---|\n| {written} |"
        shown = re.sub(r"<[^>]+>", "", reader.render(row).partition("<tbody>")[2]).strip()
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u200b", "")
        assert shown == plain
    assert fence(foreign).splitlines()[1:-1] == foreign.splitlines()


def test_a_summary_fits_into_a_comment_however_much_went_wrong(tmp_path: Path) -> None:
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    failure = reports_miniature.weight_failure("cell")
    for number in range(1200):
        named = {"test": f"t::{number}", "feature": f"svc.feature-{number}", "observed": "x" * 5000}
        reports.append(run, msgspec.structs.replace(failure, **named))
    text = summary(run)
    assert len(text) <= LIMIT + 100
    assert "stories in report.html" in text
    assert sum(1 for result in reports.read(run).results if result.verdict is Verdict.FAILED) == 1200
