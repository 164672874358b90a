"""What reports say: the answer, the matrix, stories, figures. Each statement with a run that makes it true or false."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import msgspec
import pytest

import reports
from reports import Attempt, Cell, CellEnd, Evidence, Load, Result, Stream, Verdict
from reports.apis import OTHER, api_of
from reports.text import digits, duration, first_line, listed, printable, shorten
from reports.views.answer import answer
from reports.views.attempts import ROWS, attempts
from reports.views.curves import CurveError, curve
from reports.views.designs import designs
from reports.views.evidence import FILE_BYTES, PAGE_BYTES, EvidenceReader
from reports.views.ground import conditions as conditions_of
from reports.views.ground import versions
from reports.views.loads import caution, glance, load_blocks
from reports.views.matrix import Matrix, Row, matrices
from reports.views.merged import Merged, merge
from reports.views.stories import feature_stories, link, not_judged, notes, stories
from tests.reports_miniature import write, write_cell


def run_of(folder: Path, results: dict[str, list[Result]]) -> Stream:
    """A whole run with the given results in cells named ``mode-controller`` or ``mode``; titles are in capitals."""
    reports.start(folder, command="nox", seed=1)
    for cell, found in results.items():
        mode, _, controller = cell.partition("-")
        record = Cell(
            cell=cell,
            started="",
            provider="kind",
            provider_reason="asked",
            mode=mode,
            controller=controller,
            controller_title=controller.title(),
            nodes=3,
            versions={controller: "1.2"} if controller else {},
        )
        reports.append(folder, record)
        for result in found:
            reports.append(folder, msgspec.structs.replace(result, cell=cell))
        reports.append(folder, CellEnd(cell=cell, finished="", seconds={"suites": 1.0}))
    reports.finish(folder)
    return reports.read(folder)


def check(feature: str, verdict: Verdict = Verdict.PASSED, *, test: str = "", **facts: object) -> Result:
    values = {
        "cell": "",
        "feature": feature,
        "test": test or f"suites/x.py::test_{feature}",
        "title": f"{feature} holds",
        "verdict": verdict,
        "requirement": f"{feature} must hold.",
        "source": "https://kubernetes.io/docs/",
        "reason": "" if verdict is Verdict.PASSED else "because",
        "started": "",
        "seconds": 0.1,
        **facts,
    }
    return msgspec.convert(values, Result)


BY_DESIGN = {"says": "in turn", "source": "https://kubernetes.io/docs/reference/"}


def designed(says: str) -> Result:
    return check("svc.a", by_design={**BY_DESIGN, "says": says})


def merged(folder: Path, results: dict[str, list[Result]]) -> Merged:
    return merge([run_of(folder / "run", results)])


def row(found: tuple[Matrix, ...], feature: str) -> Row:
    rows = [row for matrix in found for section in matrix.sections for row in section.rows]
    return next(row for row in rows if row.feature == feature)


PASSED, FAILED, ERROR = check("svc.a"), check("svc.a", Verdict.FAILED), check("svc.a", Verdict.ERROR)
FAILED_B, FAILED_C = check("svc.b", Verdict.FAILED), check("svc.c", Verdict.FAILED)
MANY = [f"svc.{number:02}" for number in range(14)]
ANSWERS = {
    "all hold": (
        {"iptables-traefik": [PASSED, check("dns.b")]},
        "All 2 judged features hold on iptables with Traefik 1.2.",
        [],
    ),
    "one holds": ({"iptables": [PASSED]}, "The one judged feature holds on iptables.", []),
    "all hold in several cells": (
        {"iptables": [PASSED, check("dns.b")], "nftables": [check("dns.b")]},
        "All 2 judged features hold wherever they were judged.",
        ["iptables: fails nothing.", "nftables: fails nothing."],
    ),
    "one holds in several cells": (
        {"iptables": [PASSED], "nftables": [PASSED]},
        "The one judged feature holds wherever it was judged.",
        ["iptables: fails nothing.", "nftables: fails nothing."],
    ),
    "fails everywhere": (
        {"iptables": [FAILED], "nftables": [FAILED]},
        "The one judged feature fails somewhere.",
        ["iptables: fails svc.a.", "nftables: fails svc.a."],
    ),
    "fails in one mode": (
        {"iptables": [PASSED, check("svc.b")], "nftables": [FAILED, check("svc.b")]},
        "1 of 2 features hold wherever they were judged; 1 fails somewhere.",
        ["iptables: fails nothing.", "nftables: fails svc.a."],
    ),
    "fails with one controller": (
        {"iptables-traefik": [PASSED], "iptables-istio": [FAILED], "nftables-istio": [FAILED]},
        "The one judged feature fails somewhere.",
        ["Istio 1.2: fails svc.a.", "Traefik 1.2: fails nothing."],
    ),
    "fails with a controller in one of its modes": (
        {"iptables-istio": [PASSED, FAILED_B], "nftables-istio": [FAILED], "iptables": [PASSED]},
        "0 of 2 features hold wherever they were judged; 2 fail somewhere.",
        ["iptables: fails nothing.", "Istio 1.2: fails svc.a (on nftables) and svc.b."],
    ),
    "passed with one controller and unsupported with the other": (
        {"iptables-a": [PASSED], "iptables-b": [check("svc.a", Verdict.UNSUPPORTED), check("svc.b"), FAILED_C]},
        "2 of 3 features hold wherever they were judged; 1 fails somewhere.",
        ["A 1.2: fails nothing.", "B 1.2: fails svc.c; 1 of 3 checks unsupported."],
    ),
    "some skipped": (
        {"iptables": [PASSED, check("svc.b", Verdict.SKIPPED)], "nftables": [PASSED]},
        "The one judged feature holds wherever it was judged.",
        ["iptables: fails nothing; 1 of 2 checks skipped.", "nftables: fails nothing."],
    ),
    "some skipped in the one cell": (
        {"iptables": [PASSED, check("svc.b", Verdict.SKIPPED)]},
        "The one judged feature holds on iptables.",
        ["1 of 2 checks skipped."],
    ),
    "fails in one of several checks": (
        {"existing-x": [PASSED, check("svc.a", Verdict.FAILED, test="other"), check("svc.b")]},
        "1 of 2 features hold on existing with X 1.2; 1 fails.",
        ["Fails svc.a."],
    ),
    "error of ours": (
        {"iptables": [ERROR]},
        "The one judged feature is unproved on iptables.",
        ["1 of 1 check in error.", "1 check is an error of ours, so nothing is proved there: svc.a."],
    ),
    "no feature named": (
        {"iptables": [check("", Verdict.ERROR)]},
        "No feature was judged on iptables.",
        [
            "1 of 1 check in error.",
            "1 check is an error of ours, so nothing is proved there: a check without a feature.",
        ],
    ),
    "passed, failed and unproved": (
        {"iptables": [PASSED, FAILED_B, check("svc.c"), check("svc.d", Verdict.SKIPPED)], "nftables": [ERROR]},
        "1 of 3 features hold wherever they were judged; 1 fails somewhere, 1 is unproved.",
        [
            "iptables: fails svc.b; 1 of 4 checks skipped.",
            "nftables: 1 of 1 check in error.",
            "1 check is an error of ours, so nothing is proved there: svc.a.",
        ],
    ),
    "all of a dozen are named": (
        {"iptables": [check(feature, Verdict.FAILED) for feature in MANY[:12]]},
        "0 of 12 features hold on iptables; 12 fail.",
        [f"Fails {', '.join(MANY[:11])} and {MANY[11]}."],
    ),
    "more than a dozen are cut": (
        {"iptables": [check(feature, Verdict.FAILED) for feature in MANY]},
        "0 of 14 features hold on iptables; 14 fail.",
        [f"Fails {', '.join(MANY[:12])} and 2 more."],
    ),
    "nothing": ({"iptables": []}, "As far as the run went: nothing was judged on iptables.", []),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_the_answer_says_what_holds_and_where_it_does_not(case: str, tmp_path: Path) -> None:
    results, headline, sentences = ANSWERS[case]
    found = answer(merged(tmp_path, results))
    assert found.headline == headline
    assert [*found.places, *found.sentences] == sentences


@pytest.mark.parametrize(
    ("verdicts", "shown", "counted"),
    [
        ("passed passed", "passed", ""),
        ("passed failed", "failed", "1 of 2 checks"),
        ("passed failed error", "error", "1 of 3 checks"),
        ("passed skipped", "passed", "1 of 2 checks"),
        ("unsupported skipped", "unsupported", "1 of 2 checks"),
        ("skipped", "skipped", ""),
    ],
)
def test_a_square_shows_the_worst_verdict_and_how_many_checks_have_it(
    verdicts: str, shown: str, counted: str, tmp_path: Path
) -> None:
    results = [check("svc.a", Verdict(word), test=f"t::{number}") for number, word in enumerate(verdicts.split())]
    square = row(matrices(merged(tmp_path, {"iptables": results})), "svc.a").squares[0]
    assert (square.mark.id, square.count) == (shown, counted)
    assert square.href.startswith("#")


def test_a_feature_that_did_not_run_in_a_column_is_shown_as_not_run(tmp_path: Path) -> None:
    found = matrices(merged(tmp_path, {"iptables": [PASSED], "nftables": [check("svc.b")]}))
    here, there = row(found, "svc.a").squares
    assert (here.mark.id, there.mark.id, there.href) == ("passed", "absent", "")


def test_features_are_compared_across_what_they_depend_on(tmp_path: Path) -> None:
    results = [check("svc.a"), check("gw.a"), check("novel.a")]
    by_mode, by_controller = matrices(merged(tmp_path, {"nftables-istio": results, "iptables-traefik": results}))
    assert [column.title for column in by_mode.columns] == ["iptables", "nftables"]
    assert [group.title for group in by_controller.groups] == ["Istio 1.2", "Traefik 1.2"]
    assert [section.api.id for section in by_mode.sections] == ["services", "other"]
    assert api_of("novel.a") is OTHER


@pytest.mark.parametrize(
    ("iptables", "nftables", "told"),
    [
        (PASSED, PASSED, ""),
        (PASSED, FAILED, "verdicts differ"),
        (check("svc.a", notes={"k": "1"}), check("svc.a", notes={"k": "2"}), "behaviour differs"),
        (check("svc.a", notes={"k": "1"}), check("svc.a", notes={"k": "1"}), ""),
        (designed("at random"), designed("in turn"), "differs by design"),
        (designed("at random"), designed("at random"), ""),
        (designed("at random"), check("svc.a", Verdict.FAILED, by_design=BY_DESIGN), "verdicts differ"),
    ],
)
def test_a_row_says_whether_columns_differ(iptables: Result, nftables: Result, told: str, tmp_path: Path) -> None:
    found = merged(tmp_path, {"iptables": [iptables], "nftables": [nftables]})
    assert row(matrices(found), "svc.a").differs == told


def test_what_modes_do_by_design_is_told_once_for_each_in_their_order(tmp_path: Path) -> None:
    cells = {"nftables": [designed("at random"), check("svc.b")], "iptables": [designed("by chance")] * 2}
    (told,) = designs(merged(tmp_path, cells))
    assert (told.feature, [(one.mode, one.says) for one in told.modes]) == (
        "svc.a",
        [("iptables", "by chance"), ("nftables", "at random")],
    )
    assert told.modes[0].source.href == BY_DESIGN["source"]
    assert designs(merged(tmp_path / "alike", {"nftables": [check("svc.b")]})) == ()


def test_a_failure_tells_what_its_mode_does_by_design(tmp_path: Path) -> None:
    failure = check("svc.a", Verdict.FAILED, by_design=BY_DESIGN)
    (told,) = stories(merged(tmp_path, {"ipvs": [failure]}), EvidenceReader(tmp_path))
    assert told.design
    assert (told.design.mode, told.design.says) == ("ipvs", "in turn")


def test_notes_that_differ_come_first_and_equal_ones_are_told_once(tmp_path: Path) -> None:
    same, other = check("svc.a", notes={"same": "x"}), check("svc.b", notes={"localhost": "answered"})
    refused = check("svc.b", notes={"localhost": "refused"})
    first, second = notes(merged(tmp_path, {"iptables": [same, other], "nftables": [same, refused]}))
    assert first.differs
    assert first.values == (("on iptables", "answered"), ("on nftables", "refused"))
    assert not second.differs
    assert second.values == (("on every cell", "x"),)


def test_stories_tell_failures_before_errors_and_where_else_the_check_ran(tmp_path: Path) -> None:
    broken = check("dns.x", Verdict.ERROR)
    found = merged(tmp_path, {"iptables": [broken, PASSED], "nftables": [FAILED]})
    told = stories(found, EvidenceReader(tmp_path))
    assert [(story.mark.id, story.cell) for story in told] == [("failed", "nftables"), ("error", "iptables")]
    assert [(other.cell, other.mark.id, other.href) for other in told[0].elsewhere] == [("iptables", "passed", "")]


@pytest.mark.parametrize(
    ("reason", "told"), [("Expected 1; observed 2.", ""), ("The pod was gone.", "The pod was gone.")]
)
def test_a_reason_that_only_repeats_the_observation_is_not_told_twice(reason: str, told: str, tmp_path: Path) -> None:
    failure = check("svc.a", Verdict.FAILED, reason=reason, expected="1", observed="2")
    (story,) = stories(merged(tmp_path, {"iptables": [failure]}), EvidenceReader(tmp_path))
    assert (story.reason, story.expected, story.observed) == (told, "1", "2")


def test_the_same_check_gone_wrong_in_a_later_cell_is_folded(tmp_path: Path) -> None:
    found = merged(tmp_path, {"iptables": [FAILED], "nftables": [FAILED], "ipvs": [ERROR]})
    told = stories(found, EvidenceReader(tmp_path))
    assert [(story.cell, story.folded) for story in told] == [("iptables", False), ("nftables", True), ("ipvs", False)]


def test_every_feature_has_its_story_and_what_was_not_judged_its_reason(tmp_path: Path) -> None:
    found = merge([reports.read(write(tmp_path / "run"))])
    assert {story.feature for story in feature_stories(found)} == {check.result.feature for check in found.checks}
    assert [(item.feature, item.mark.id, item.cells, item.reason) for item in not_judged(found)] == [
        (
            "gw.tcp",
            "unsupported",
            "on every cell",
            "Traefik serves TCPRoute only with its experimental channel, which is off.",
        ),
        ("svc.dual-stack", "skipped", "on every cell", "The cluster has IPv4 only."),
    ]


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("https://www.kubernetes.io/docs/", "https://www.kubernetes.io/docs/"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("https://k8s.io/a (b)<c>", "https://k8s.io/a%20%28b%29%3Cc%3E"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//kubernetes.io", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(address: str, href: str) -> None:
    assert link(address).href == href


def tried(number: int, outcome: str = "answered", vantage: str = "client-1", seconds: float = 0.01) -> Attempt:
    began = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=number / 10)
    at = began.isoformat(timespec="milliseconds")
    return Attempt(at=at, vantage=vantage, target="http://10.0.0.1", outcome=outcome, seconds=seconds)


def test_attempts_are_told_relative_to_the_first_and_alike_ones_together() -> None:
    told = attempts([tried(2, "timeout", seconds=0.5), tried(0), tried(1)])
    assert told is not None
    assert [(row.at, row.outcome, row.times, row.answered) for row in told.rows] == [
        ("+0.000 s", "answered", "× 2", True),
        ("+0.200 s", "timeout", "", False),
    ]
    assert told.summary == "1 timeout, 2 answered"
    assert told.span == "700 ms"
    assert [tick.x for tick in told.lanes[0].ticks] == [0, 142.9, 285.7]


def test_many_attempts_are_cut_in_the_middle_and_the_cut_is_told() -> None:
    told = attempts([tried(number, f"kind {number}", f"client-{number % 12}") for number in range(1000)])
    assert told is not None
    assert len(told.rows) == ROWS
    assert told.left_out == 1000 - ROWS
    assert told.rows[-1].outcome == "kind 999"
    assert sum(len(lane.ticks) for lane in told.lanes) <= 400


def test_attempts_at_one_moment_or_at_no_moment_are_still_told() -> None:
    assert attempts([]) is None
    odd = msgspec.structs.replace(tried(0, seconds=0.0), at="yesterday")
    told = attempts([odd, odd])
    assert told is not None
    assert told.rows[0].times == "× 2"


def test_evidence_is_read_bounded_and_printable(tmp_path: Path) -> None:
    (tmp_path / "small.log").write_bytes(b"\x1b[31mred\x1b[0m \x07bell\r\nend")
    (tmp_path / "big.log").write_bytes(b"begin" + b"x" * 10 * FILE_BYTES + b"finis")
    (tmp_path / "capture.pcap").write_bytes(b"\xd4\xc3\0\0")
    reader = EvidenceReader(tmp_path / "page")
    small = reader.view(tmp_path, Evidence(title="Log", path="small.log"))
    assert (small.text, small.href, small.remark) == ("red ␇bell\nend", "../small.log", "")
    big = reader.view(tmp_path, Evidence(title="Log", path="big.log"))
    assert big.text.startswith("begin")
    assert big.text.endswith("finis")
    assert len(big.text) < FILE_BYTES + 100
    assert big.remark.startswith("Beginning and end of")
    capture = reader.view(tmp_path, Evidence(title="Capture", path="capture.pcap"))
    assert (capture.text, capture.remark, capture.href) == ("", "4 bytes that are no text.", "../capture.pcap")


def test_evidence_outside_of_the_run_or_gone_is_told_and_not_shown(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "secret").write_text("secret")
    (run / "link").symlink_to(tmp_path / "secret")
    reader = EvidenceReader(run)
    for path in ("../secret", str(tmp_path / "secret"), "link"):
        view = reader.view(run, Evidence(title="Secret", path=path))
        assert (view.text, view.href) == ("", "")
        assert "outside" in view.remark
    assert "No such file" in reader.view(run, Evidence(title="Gone", path="gone.txt")).remark


def test_a_page_stops_showing_evidence_when_it_is_full(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * FILE_BYTES)
    reader = EvidenceReader(tmp_path)
    views = [reader.view(tmp_path, Evidence(title="Log", path="log")) for _ in range(PAGE_BYTES // FILE_BYTES + 3)]
    assert [bool(view.text) for view in views[-4:]] == [True, False, False, False]
    assert "open the file" in views[-1].remark
    assert views[-1].href == "log"


def test_a_void_load_shows_its_reason_and_no_figure_anywhere(tmp_path: Path) -> None:
    found = merge([reports.read(write(tmp_path / "run"))])
    blocks = load_blocks(found)
    block = next(block for block in blocks if block.profile == "steady")
    line = next(line for line in block.lines if line.void)
    assert (line.cell, line.throughput, line.latencies, line.requests) == ("nftables · Traefik 3.7.15", None, (), "")
    assert "lagged" in line.void
    assert [curve.cell for curve in block.curves] == ["iptables · Traefik 3.7.15"]
    assert [rate.cell for rate in block.rates] == ["iptables · Traefik 3.7.15"]
    found_glance = glance(blocks)
    column = [found.href for found in found_glance.columns].index(f"#{block.anchor}")
    figures = {found.cell: found.figures[column] for found in found_glance.rows}
    assert figures["nftables · Traefik 3.7.15"] == "void"
    assert figures["iptables · Traefik 3.7.15"].endswith(" ms")


def test_a_curve_follows_the_histogram_and_ends_where_chance_begins(tmp_path: Path) -> None:
    cell = merge([reports.read(write(tmp_path / "run"))]).cells[0]
    load = cell.loads[0]
    points = curve(cell, load).points
    assert points[0].inverse == 1
    assert points[-1].inverse == pytest.approx(20_000 / 5, rel=0.001)
    near_median = min(points, key=lambda point: abs(point.inverse - 2))
    assert near_median.milliseconds == pytest.approx(load.latency_seconds["p50"].value * 1000, rel=0.05)
    values = [point.milliseconds for point in points]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("histogram", "told"),
    [("", "no histogram"), ("HISTFAAA", "damaged"), ("no base64!", "damaged"), ("AAAA", "damaged")],
)
def test_a_histogram_that_cannot_be_read_is_told(histogram: str, told: str, tmp_path: Path) -> None:
    cell = merge([reports.read(write(tmp_path / "run"))]).cells[0]
    broken: Load = msgspec.structs.replace(cell.loads[0], histogram=histogram)
    with pytest.raises(CurveError, match=told):
        curve(cell, broken)


def test_runs_of_a_matrix_merge_and_the_worst_status_stands(tmp_path: Path) -> None:
    for mode in ("iptables", "nftables"):
        run = tmp_path / mode
        reports.start(run, command="nox", seed=1)
        write_cell(run, mode)
        reports.finish(run)
    streams = [reports.read(tmp_path / mode) for mode in ("nftables", "iptables")]
    both = merge(streams)
    assert [cell.title for cell in both.cells] == ["iptables · Traefik 3.7.15", "nftables · Traefik 3.7.15"]
    assert merge(streams[1:]).status == 0
    assert both.status == 2
    assert versions(both).rows[0].values == ("v1.36.3",)


def test_figures_of_different_machines_are_not_to_be_compared(tmp_path: Path) -> None:
    first, second = (run_of(tmp_path / name, {name: [PASSED]}) for name in ("iptables", "nftables"))
    assert caution(merge([first, second])).startswith("An interval covers chance within one measurement")
    assert "one after the other" in caution(merge([first, second]))
    assert second.header is not None
    elsewhere = msgspec.structs.replace(second.header.machine, cores=64)
    moved = dataclasses.replace(second, header=msgspec.structs.replace(second.header, machine=elsewhere))
    assert "different machines" in caution(merge([first, moved]))


def test_cells_of_one_name_in_two_runs_stay_apart(tmp_path: Path) -> None:
    first, second = (run_of(tmp_path / name, {"iptables": [PASSED]}) for name in ("monday", "tuesday"))
    titles = [cell.title for cell in merge([first, second]).cells]
    assert titles == ["iptables (monday/iptables)", "iptables (tuesday/iptables)"]


def test_results_of_a_cell_that_never_started_are_shown(tmp_path: Path) -> None:
    reports.append(tmp_path, msgspec.structs.replace(FAILED, cell="lost"))
    found = merge([reports.read(tmp_path)])
    assert [cell.title for cell in found.cells] == ["lost"]
    assert answer(found).troubles
    assert found.status == 2


def test_a_mode_that_could_not_be_had_is_told_with_its_reason_and_not_counted_among_the_judged(tmp_path: Path) -> None:
    reports.append(tmp_path, _cell("iptables", nodes=3))
    reports.append(tmp_path, msgspec.structs.replace(PASSED, cell="iptables"))
    reports.append(tmp_path, _cell("ipvs", nodes=0))
    for test in ("one", "two"):
        gone = check("svc.a", Verdict.UNSUPPORTED, test=test, cell="ipvs", reason="The kernel has no IP_VS.")
        reports.append(tmp_path, gone)
    found = answer(merge([reports.read(tmp_path)]))
    assert "ipvs" not in found.headline
    assert [told for told in found.sentences if "ipvs" in told] == [
        "Nothing was judged on ipvs: The kernel has no IP_VS."
    ]


def test_every_controller_that_nobody_has_verified_is_named(tmp_path: Path) -> None:
    names = {f"controller-{number:02}": "never run" for number in range(20)}
    reports.start(tmp_path, command="nox", seed=1, not_verified=names)
    (told,) = (told for told in answer(merge([reports.read(tmp_path)])).sentences if told.startswith("Not verified"))
    assert [name for name in names if name not in told] == []


@pytest.mark.parametrize(
    ("title", "version", "shown"),
    [
        ("Traefik Proxy", "3.7.15", "Traefik Proxy 3.7.15"),
        ("Kong", "chart ingress 0.2", "Kong (chart ingress 0.2)"),
        ("Mine", "ghcr.io/me/mine:ci", "Mine (ghcr.io/me/mine:ci)"),
        ("", "", "mine"),
    ],
)
def test_a_controller_is_shown_by_its_title_with_its_version(
    title: str, version: str, shown: str, tmp_path: Path
) -> None:
    record = msgspec.structs.replace(
        _cell("iptables", nodes=3), controller="mine", controller_title=title, versions={"mine": version}
    )
    reports.append(tmp_path, record)
    reports.append(tmp_path, check("gw.a", cell="iptables"))
    found = merge([reports.read(tmp_path)])
    assert found.cells[0].title == f"iptables · {shown}"
    assert matrices(found)[0].columns[0].controller == shown


def test_two_versions_of_a_controller_are_two_columns(tmp_path: Path) -> None:
    streams = []
    for version in ("1", "2"):
        run = tmp_path / version
        record = msgspec.structs.replace(_cell("iptables", nodes=3), controller="a", versions={"a": version})
        reports.append(run, record)
        reports.append(run, check("gw.a", Verdict.FAILED if version == "2" else Verdict.PASSED, cell="iptables"))
        streams.append(reports.read(run))
    found = merge(streams)
    assert [column.controller for column in matrices(found)[0].columns] == ["a 1", "a 2"]
    assert answer(found).places == ("a 1: fails nothing.", "a 2: fails gw.a.")


def test_a_condition_of_some_cells_is_told_once_with_where_it_is_so(tmp_path: Path) -> None:
    for mode, controller in (("iptables", ""), ("iptables", "a"), ("nftables", "a"), ("nftables", "")):
        own = {"a setting": "off"} if controller else {"nodes' disks": "fast"}
        conditions = {"kernel": "6.1", "rules": mode, **own}
        cell = f"{mode}-{controller}"
        reports.append(
            tmp_path,
            msgspec.structs.replace(
                _cell(mode, nodes=3), cell=cell, controller=controller, versions={"a": "1"}, conditions=conditions
            ),
        )
    found = conditions_of(merge([reports.read(tmp_path)]))
    assert [(row.name, row.values, row.where) for row in found.rows] == [
        ("rules", ("iptables", "iptables", "nftables", "nftables"), ""),
        ("nodes' disks", ("fast",), "with no controller"),
        ("a setting", ("off",), "with a 1"),
        ("kernel", ("6.1",), ""),
    ]


def _cell(mode: str, nodes: int) -> Cell:
    return Cell(cell=mode, started="", provider="embedded", provider_reason="", mode=mode, controller="", nodes=nodes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00012345, "0.000123"), (0.5, "0.500"), (9.994, "9.99"), (999.4, "999"), (999.5, "1 000"),
     (12345.6, "12 346"), (-2.5, "-2.50")],
)  # fmt: skip
def test_figures_have_the_digits_that_matter(value: float, text: str) -> None:
    assert digits(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.000084, "84 µs"), (0.00142, "1.42 ms"), (3.1, "3.10 s"), (119.9, "120 s"), (245, "4 min 05 s")],
)
def test_durations_have_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_foreign_text_is_made_visible_and_finite() -> None:
    assert printable("a\0b\x1b[1mc\u202ed\ufffe\r\n") == "a␀bc�d�\n"
    assert shorten("x" * 100, 30) == "x" * 20 + "\n… 70 characters left out …\n" + "x" * 10
    assert first_line("\n  one  \ntwo") == "one"
    assert first_line("x" * 300) == "x" * 199 + "…"
    assert [listed(list("abc"[:number])) for number in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
    assert listed(list("abcdef"), limit=4) == "a, b, c, d and 2 more"
