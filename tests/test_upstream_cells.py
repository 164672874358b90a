"""One cell of upstream's tests from its first record to its last, with a program that only pretends to test."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import reports
from clusters.progress import SilentProgress
from conformance.upstream import cells, k8s, options
from conformance.upstream.running import Programs
from conformance.upstream.selection import Selection
from conformance.upstream.selection import Test as UpstreamTest
from reports.model import Verdict
from tests.miniatures.cluster import a_cluster
from tests.miniatures.e2e_program import DASHES, LABELS, TESTS, case, failure, junit

SHINE, DIM, HUM = TESTS
CHOSEN = Selection(list(TESTS), [UpstreamTest(name, "") for name in TESTS])
PROGRAMS = Programs(Path("e2e.test"), Path("ginkgo"), Path("kubectl"))
OUTPUT = f"{DASHES}\n• [0.5 seconds]\n{SHINE} {LABELS}\n{DASHES}\n• [FAILED] [2.5 seconds]\n{DIM} {LABELS}\n"
WHOLE = junit(
    case(SHINE, "passed"), case(DIM, "failed", 2.5, failure("no dark")), case(HUM, "skipped", inside="<skipped/>")
)


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, report: str, ending: str) -> tuple[int, reports.Stream]:
    """Run a cell whose program prints two ends, writes ``report`` and does what ``ending`` says."""
    script = folder / "ginkgo.py"
    place = folder / "run/upstream/nftables-k8s/junit_01.xml"
    lines = [
        "import os, pathlib",
        f"print({OUTPUT!r}, flush=True)",
        f"pathlib.Path({str(place)!r}).write_text({report!r})",
    ]
    script.write_text("\n".join([*lines, ending]), encoding="utf-8")
    cluster = a_cluster(state=folder / "state")
    monkeypatch.setattr(cells, "taken", lambda _: cluster)
    monkeypatch.setattr(cells.lifecycle, "provider_for", lambda _: SimpleNamespace(load_images=lambda *_: None))
    monkeypatch.setattr(cells.images, "archives", lambda *_: {})
    monkeypatch.setattr(k8s.running, "kubeconfig", lambda _, target: target)
    monkeypatch.setattr(k8s.running, "command", lambda *_: [sys.executable, "-u", str(script)])
    asked = options.parse(["--run", str(folder / "run"), "--cluster", "c"])
    reports.start(asked.run, command="./noxw -s upstream")
    status = cells.run(asked, k8s.KubernetesTests(PROGRAMS, CHOSEN), SilentProgress())
    reports.finish(asked.run)
    return status, reports.read(asked.run)


def test_a_failure_of_theirs_is_status_one_and_the_run_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = WHOLE.replace("<skipped/>", '<skipped message="skipped - needs two lamps"/>')
    status, stream = run(tmp_path, monkeypatch, report, "raise SystemExit(1)")
    assert status == 1
    assert {said.test: said.verdict for said in stream.witnesses} == {
        SHINE: Verdict.PASSED, DIM: Verdict.FAILED, HUM: Verdict.SKIPPED,
    }  # fmt: skip
    assert stream.troubles == ()
    assert "--modes nftables" in stream.witnesses[0].reproduce


def test_half_a_report_is_an_error_of_ours_and_what_was_had_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, stream = run(tmp_path, monkeypatch, WHOLE[:-60], "os.kill(os.getpid(), 9)")
    assert status == 2
    assert {said.test: said.verdict for said in stream.witnesses} == {
        SHINE: Verdict.PASSED, DIM: Verdict.FAILED, HUM: Verdict.SKIPPED,
    }  # fmt: skip
    assert "is not whole" in capsys.readouterr().err
    assert any("could not be run to its end" in trouble for trouble in stream.troubles)


def test_tests_that_broke_off_are_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, stream = run(tmp_path, monkeypatch, junit(case(SHINE, "passed")), "raise SystemExit(0)")
    assert status == 2
    assert stream.ends[0].trouble == "the tests broke off before their end: not all of them ran"
