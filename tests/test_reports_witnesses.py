"""What others say of a cluster, in every report: counted, told where it failed, and set beside what we say."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

import reports
from reports import Cell, CellEnd, Evidence, Result, Verdict, Witness
from reports.html import html
from reports.junit import junit
from reports.markdown import markdown
from reports.terminal import show
from reports.views.merged import merge
from reports.views.page import Page, page
from reports.views.witnesses import witness_blocks

MULTIPORT = "[sig-network] Services should serve multiport endpoints from pods [Conformance]"
AFFINITY = "[sig-network] Services should have session affinity work for NodePort service [LinuxOnly] [Conformance]"
SIZE = "[sig-network] Services should have a <name> [Conformance]"


def witness(test: str, verdict: Verdict = Verdict.PASSED, *features: str, **said: object) -> Witness:
    fields: dict[str, object] = {
        "cell": "nftables-k8s",
        "suite": "k8s",
        "version": "v1.36.3",
        "test": test,
        "verdict": verdict,
        "source": "https://github.com/kubernetes/kubernetes/blob/v1.36.3/test/e2e/network/service.go#L7",
        "features": list(features),
        "reason": "" if verdict is Verdict.PASSED else "wanted 20 answers,\ngot 19",
        "started": "2026-03-01T08:00:00.000Z",
        "seconds": 4.5,
        **said,
    }
    return Witness(**fields)  # type: ignore[arg-type]


def ours(feature: str, verdict: Verdict) -> Result:
    return Result(
        cell="nftables-traefik",
        feature=feature,
        test=f"suites/services/test_x.py::test_{feature}",
        title=f"{feature} holds",
        verdict=verdict,
        requirement="It must hold.",
        source="https://kubernetes.io/docs/",
        reason="" if verdict is Verdict.PASSED else "it did not",
        started="2026-03-01T08:00:00.000Z",
        seconds=0.5,
    )


def run_of(folder: Path, records: Sequence[Result | Witness], mode: str = "nftables") -> Path:
    reports.start(folder, command="./noxw", seed=1)
    for name in dict.fromkeys(record.cell for record in records):
        reports.append(
            folder, Cell(cell=name, started="", provider="embedded", provider_reason="asked", mode=mode, nodes=3)
        )
        for record in records:
            if record.cell == name:
                reports.append(folder, record)
        reports.append(folder, CellEnd(cell=name, finished="", seconds={"upstream": 9.0}))
    reports.finish(folder)
    return folder


def page_of(*runs: Path) -> Page:
    return page(merge(reports.read(run) for run in runs), runs[0])


def test_a_run_of_witnesses_alone_has_an_answer_and_a_status(tmp_path: Path) -> None:
    good = run_of(tmp_path / "good", [witness(MULTIPORT), witness(SIZE, Verdict.SKIPPED)])
    assert page_of(good).answer.headline == "1 of 1 test of others passed on nftables."
    assert reports.exit_status(reports.read(good)) == 0
    bad = run_of(tmp_path / "bad", [witness(MULTIPORT), witness(SIZE, Verdict.FAILED)])
    assert page_of(bad).answer.headline == "1 of 2 tests of others passed on nftables."
    assert reports.exit_status(reports.read(bad)) == 1
    broken = run_of(tmp_path / "broken", [witness(SIZE, Verdict.ERROR)])
    assert reports.exit_status(reports.read(broken)) == 2


@pytest.mark.parametrize(
    ("theirs", "our_verdict", "differ"),
    [
        (Verdict.PASSED, Verdict.PASSED, False),
        (Verdict.FAILED, Verdict.FAILED, False),
        (Verdict.FAILED, Verdict.PASSED, True),
        (Verdict.PASSED, Verdict.FAILED, True),
    ],
)
def test_two_verdicts_on_one_behaviour_are_compared(
    tmp_path: Path, theirs: Verdict, our_verdict: Verdict, differ: bool
) -> None:
    run = run_of(tmp_path / "run", [witness(AFFINITY, theirs, "svc.affinity"), ours("svc.affinity", our_verdict)])
    (block,) = page_of(run).witnesses
    assert len(block.disagreements) == differ
    told = f"Where they and we judge the same behaviour, {int(not differ)} of 1 verdict agree."
    assert block.agreement == told


def test_a_difference_is_told_at_the_top_and_by_name(tmp_path: Path) -> None:
    records = [witness(AFFINITY, Verdict.FAILED, "svc.affinity"), ours("svc.affinity", Verdict.PASSED)]
    shown = page_of(run_of(tmp_path / "run", records))
    sentence = f"On nftables their test “{AFFINITY}” failed, our svc.affinity passed."
    assert sentence in shown.answer.sentences
    assert shown.answer.headline == "The one judged feature holds on nftables; 1 test of others failed."
    assert "Theirs and ours differ" in html(shown)
    assert "| nftables |" in markdown(shown)
    assert shown.witnesses[0].disagreements[0].reason == "wanted 20 answers,"


def test_two_runs_on_one_page_are_compared_by_mode(tmp_path: Path) -> None:
    theirs = run_of(tmp_path / "theirs", [witness(AFFINITY, Verdict.PASSED, "svc.affinity")])
    same_mode = run_of(tmp_path / "same", [ours("svc.affinity", Verdict.FAILED)])
    other_mode = run_of(tmp_path / "other", [ours("svc.affinity", Verdict.FAILED)], mode="iptables")
    assert len(page_of(theirs, same_mode).witnesses[0].disagreements) == 1
    assert page_of(theirs, other_mode).witnesses[0].disagreements == ()
    assert "None of the features that they judge too was judged by us" in page_of(theirs).witnesses[0].agreement


@pytest.mark.parametrize("unjudged", [Verdict.ERROR, Verdict.SKIPPED, Verdict.UNSUPPORTED])
def test_what_nobody_judged_is_not_compared(tmp_path: Path, unjudged: Verdict) -> None:
    mine = run_of(tmp_path / "a", [witness(AFFINITY, Verdict.PASSED, "svc.affinity"), ours("svc.affinity", unjudged)])
    assert page_of(mine).witnesses[0].disagreements == ()
    theirs = run_of(tmp_path / "b", [witness(AFFINITY, unjudged, "svc.affinity"), ours("svc.affinity", Verdict.PASSED)])
    assert page_of(theirs).witnesses[0].disagreements == ()


def test_a_failure_is_told_in_every_report(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "story.txt").write_text("STEP: count <them>", encoding="utf-8")
    failed = witness(
        SIZE, Verdict.FAILED, evidence=[Evidence(title="what the test says", path="story.txt")],
        reproduce="./noxw -s upstream -- --focus '\\[Conformance\\]'",
    )  # fmt: skip
    shown = page_of(run_of(run, [witness(MULTIPORT), failed]))
    drawn = html(shown)
    assert "got 19" in drawn
    assert "STEP: count &lt;them&gt;" in drawn
    assert "should have a &lt;name&gt;" in drawn
    screen = io.StringIO()
    show(shown, Console(file=screen, width=200))
    assert "✗ failed [sig-network] Services should have a <name> [Conformance]" in screen.getvalue()
    assert "--focus '\\[Conformance\\]'" in screen.getvalue()
    assert "❌ \\[sig-network\\] Services should have a &lt;name&gt; \\[Conformance\\] (nftables · k8s): wanted 20" in (
        markdown(shown)
    )


def test_ci_systems_see_a_suite_of_theirs(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [witness(MULTIPORT), witness(SIZE, Verdict.FAILED)])
    root = ET.fromstring(junit(merge([reports.read(run)])))
    (suite,) = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("k8s v1.36.3 on nftables · k8s", "2", "1")
    failure = suite.find(f"testcase[@name='{SIZE}']/failure")
    assert failure is not None
    assert (failure.text or "").endswith("got 19")


def test_a_witness_is_heard_once_and_says_why_it_skips(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [witness(SIZE), witness(SIZE), witness(MULTIPORT, Verdict.SKIPPED, reason="")])
    troubles = reports.read(run).troubles
    assert any("was heard 2 times in cell nftables-k8s" in trouble for trouble in troubles)
    assert any("is skipped in cell nftables-k8s without a reason" in trouble for trouble in troubles)


@pytest.mark.parametrize(
    ("test", "differing"), [(AFFINITY, 0), ("[sig-network] [Feature:IPv6DualStack] Services", 1)], ids=["first", "both"]
)
def test_only_what_judges_the_same_family_is_set_beside_ours(tmp_path: Path, test: str, differing: int) -> None:
    """Ours fails in the second family of the cluster: that contradicts nobody who looked at the first alone."""
    reports.start(run := tmp_path / "run", command="./noxw", seed=1)
    for name in ("nftables-k8s", "nftables-traefik"):
        cell = Cell(cell=name, started="", provider="embedded", provider_reason="asked", mode="nftables", nodes=3)
        reports.append(run, msgspec.structs.replace(cell, conditions={"IP families": "IPv4+IPv6"}))
    reports.append(run, witness(test, Verdict.PASSED, "svc.a"))
    for family, verdict in (("IPv4", Verdict.PASSED), ("IPv6", Verdict.FAILED)):
        one = ours("svc.a", verdict)
        reports.append(run, msgspec.structs.replace(one, test=f"{one.test}[{family}-local]"))
    reports.finish(run)
    (block,) = witness_blocks(merge([reports.read(run)]))
    assert len(block.disagreements) == differing
