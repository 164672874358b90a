"""Every report tells of requests while something changed, and of how long changes took."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import reports
from reports import Interval, Propagation, Result, Verdict
from reports.html import html
from reports.markdown import markdown
from reports.model import Moment, Sample, Timeline
from reports.terminal import show
from reports.views.merged import merge
from reports.views.page import Page, page
from reports.views.propagations import signed

CELL = "nftables-traefik"


def figures(p50: float) -> dict[str, Interval]:
    return {
        name: Interval(value=p50 * n, low=p50, high=9 * p50) for n, name in enumerate(("p50", "p90", "p99", "max"), 1)
    }


@pytest.fixture
def shown(tmp_path: Path) -> Page:
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    asked = {"provider": "kind", "provider_reason": "asked", "mode": "nftables", "controller": "traefik"}
    reports.append(run, reports.Cell(cell=CELL, started="", nodes=3, **asked))
    timeline = Timeline(
        vantage="client-1",
        target="http://192.0.2.1/",
        began="2026-03-01T08:00:00.000Z",
        bin_seconds=0.5,
        answered=[20, 10, 20],
        failed={"timeout": [0, 9, 0], "refused": [0, 1, 0]},
        slowest=[0.01, 0.02, 0.01],
        moments=[Moment(at=0.6, what="<b>kube-proxy</b> is restarted")],
    )
    reports.append(
        run,
        Result(
            cell=CELL,
            feature="proxy.restart",
            test="suites/proxy/test_restart.py::test_restart",
            title="restart",
            verdict=Verdict.FAILED,
            requirement="Nothing is lost.",
            source="https://kubernetes.io/",
            reason="Expected nothing to be lost; observed 10.",
            started="2026-03-01T08:00:00Z",
            seconds=3.0,
            timelines=[timeline],
        ),
    )
    for services in (1000, 10):
        reports.append(
            run,
            Propagation(
                cell=CELL,
                change="endpoint",
                told="An endpoint becomes another",
                services=services,
                started="2026-03-01T08:00:00Z",
                changes=50,
                unbounded=["p99"],
                first_right_seconds=figures(0.021),
                last_wrong_seconds=figures(-0.0005),
                own_seconds_at_most={"p50": 0.25, "p99": 0.5},
                own_count=50,
                conditions={"asked": "every 2 ms"},
            ),
        )
    reports.append(
        run,
        Propagation(
            cell=CELL,
            change="dns",
            told="A name",
            services=10,
            started="2026-03-01T08:00:00Z",
            changes=2,
            first_right_seconds=figures(0.777),
            last_wrong_seconds=figures(0.777),
            samples=[Sample(first_right=0.777, last_wrong=0.7, largest_gap=0.06, blurred=True)],
            void="The sender stood still.",
        ),
    )
    reports.append(run, reports.CellEnd(cell=CELL, finished="", seconds={"suites": 1.0}))
    reports.finish(run)
    return page(merge([reports.read(run)]), run)


def test_the_answer_tells_what_is_void(shown: Page) -> None:
    assert any("propagations may be used; 1 void." in sentence for sentence in shown.answer.sentences)


def test_the_page_draws_each_stream_and_accounts_for_it(shown: Page) -> None:
    text = html(shown)
    assert text.count("60 sent = 50 answered + 10 lost (9 × timeout, 1 × refused)") >= 2
    assert "&lt;b&gt;kube-proxy&lt;/b&gt; is restarted" in text
    assert text.count('<rect class="lost"') == 1
    assert '<details class="change" open>' in text, "what failed is open"


def test_every_report_tells_how_long_changes_took_by_number_of_services(shown: Page) -> None:
    block, voided = shown.propagations
    assert [line.services for line in block.lines] == ["10", "1\N{NARROW NO-BREAK SPACE}000"]
    screen = io.StringIO()
    show(shown, Console(file=screen, width=200))
    for text in (html(shown), markdown(shown), screen.getvalue()):
        assert "21.0 ms" in text
        assert "\N{MINUS SIGN}500 µs" in text
        assert "p50 ≤ 250 ms, p99 ≤ 500 ms of 50" in text
        assert "≥ 63.0 ms" in text, "so few changes do not bound it from above"
        assert "void" in text
        assert "The sender stood still." in text
        assert "777 ms" not in text
    assert "21.0 ms or more" in html(shown)
    assert voided.lines[0].void


def test_what_was_seen_before_its_acknowledgement_is_below_zero() -> None:
    assert (signed(0.0), signed(-0.002), signed(2.0)) == ("0 s", "\N{MINUS SIGN}2.00 ms", "2.00 s")
