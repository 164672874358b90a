"""Two runs agree, differ or explain themselves; what is absent is never taken for the same."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

import reports
from reports.__main__ import main
from reports.comparison import compare, show
from reports.model import Result, Verdict
from tests import reports_miniature

PASSED = reports_miniature.passed("nftables-traefik", "suites/a.py::test_a", "svc.clusterip.reach", "a")


def run_of(folder: Path, *results: Result, whole: bool = True) -> Path:
    reports.start(folder, command="nox", seed=1)
    reports.append(folder, reports_miniature.cell_record("nftables-traefik", "nftables", "traefik"))
    for result in results:
        reports.append(folder, result)
    if whole:
        reports.append(folder, reports.CellEnd(cell="nftables-traefik", finished=reports.timestamp(), seconds={}))
        reports.finish(folder)
    return folder


def verdict(of: Verdict, reason: str = "because") -> Result:
    return msgspec.structs.replace(PASSED, verdict=of, reason="" if of is Verdict.PASSED else reason)


@pytest.mark.parametrize(
    ("before", "after", "status", "regressions_only"),
    [
        pytest.param(Verdict.PASSED, Verdict.PASSED, 0, 0, id="the same"),
        pytest.param(Verdict.FAILED, Verdict.FAILED, 0, 0, id="the same failure"),
        pytest.param(Verdict.PASSED, Verdict.FAILED, 1, 1, id="a regression"),
        pytest.param(Verdict.FAILED, Verdict.PASSED, 1, 0, id="mended"),
        pytest.param(Verdict.PASSED, Verdict.ERROR, 1, 1, id="not judged any more"),
        pytest.param(Verdict.PASSED, Verdict.UNSUPPORTED, 0, 0, id="unsupported, and says why"),
        pytest.param(Verdict.SKIPPED, Verdict.PASSED, 0, 0, id="skipped before, and says why"),
        pytest.param(Verdict.PASSED, None, 1, 1, id="not run any more"),
        pytest.param(None, Verdict.PASSED, 1, 0, id="new"),
    ],
)
def test_two_verdicts_of_one_check(
    tmp_path: Path, before: Verdict | None, after: Verdict | None, status: int, regressions_only: int
) -> None:
    other = msgspec.structs.replace(PASSED, test="suites/a.py::test_b")
    runs = [
        run_of(tmp_path / name, other, *([verdict(of)] if of else [])) for name, of in (("a", before), ("b", after))
    ]
    assert main(["compare", *map(str, runs)]) == status
    assert main(["compare", *map(str, runs), "--regressions"]) == regressions_only


def test_the_table_names_the_check_both_verdicts_and_why(tmp_path: Path) -> None:
    first = run_of(tmp_path / "first", PASSED)
    second = run_of(tmp_path / "second", verdict(Verdict.FAILED, "node n2 answered [not n1]"))
    console = Console(file=io.StringIO(), width=200)
    found = compare(reports.read(first), reports.read(second))
    show(found, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "suites/a.py::test_a" in shown
    assert "node n2 answered [not n1]" in shown
    assert "0 checks with the same verdict; 1 difference, of them 1 regression; 0 more explained" in shown


def test_tests_of_others_are_compared_by_name(tmp_path: Path) -> None:
    witness = reports.Witness(
        cell=PASSED.cell, suite="k8s", version="v1", test="[sig-network] Services", verdict=Verdict.PASSED, started="",
        seconds=1.0, features=["svc.clusterip.reach"],
    )  # fmt: skip
    failed = msgspec.structs.replace(witness, verdict=Verdict.FAILED, reason="no answer")
    before, after = (run_of(tmp_path / name, PASSED, whole=False) for name in ("a", "b"))
    for run, said in ((before, witness), (after, failed)):
        reports.append(run, said)
        reports.append(run, reports.CellEnd(cell=PASSED.cell, finished="", seconds={}))
        reports.finish(run)
    found = compare(reports.read(before), reports.read(after))
    assert [(one.test, one.feature, one.before, one.after) for one in found.differences] == [
        ("[sig-network] Services", "svc.clusterip.reach", "passed", "failed")
    ]
    assert found.same == 1


def test_a_run_that_broke_off_proves_nothing(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "a", PASSED), run_of(tmp_path / "b", PASSED, whole=False)]
    assert main(["compare", *map(str, runs)]) == 2


def test_runs_without_a_common_check_and_runs_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(run_of(tmp_path / "a")), str(run_of(tmp_path / "b"))]) == 2
    there = run_of(tmp_path / "c", PASSED)
    elsewhere = run_of(tmp_path / "d", msgspec.structs.replace(PASSED, test="suites/a.py::test_b"))
    assert main(["compare", str(there), str(elsewhere)]) == 2
    assert main(["compare", str(there), str(tmp_path / "nope")]) == 2
    assert "There is no run at" in capsys.readouterr().err


def test_the_comparison_is_there_for_machines_too(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "a", PASSED), run_of(tmp_path / "b", verdict(Verdict.FAILED))]
    main(["compare", *map(str, runs), "--json", str(tmp_path / "c.json")])
    told = msgspec.json.decode((tmp_path / "c.json").read_bytes())
    assert [(found["before"], found["after"]) for found in told["differences"]] == [("passed", "failed")]


def cells_of(folder: Path, *cells: str, verdict: Verdict = Verdict.PASSED) -> Path:
    """A folder with a run for each cell, as a CI matrix leaves them."""
    for cell in cells:
        run = folder / f"run-{cell}-{len(list(folder.glob('*')))}"
        reports.start(run, command="nox", seed=1)
        reports.append(run, reports_miniature.cell_record(cell, *cell.split("-")))
        reason = "" if verdict is Verdict.PASSED else "because"
        reports.append(run, msgspec.structs.replace(PASSED, cell=cell, verdict=verdict, reason=reason))
        reports.append(run, reports.CellEnd(cell=cell, finished=reports.timestamp(), seconds={}))
        reports.finish(run)
    return folder


def test_the_cells_of_a_matrix_are_compared_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = cells_of(tmp_path / "last", "iptables-traefik", "nftables-traefik")
    now = cells_of(tmp_path / "now", "iptables-traefik", "nftables-traefik")
    assert main(["compare", str(last), str(now)]) == 0
    assert "2 checks with the same verdict" in capsys.readouterr().out
    lost = cells_of(cells_of(tmp_path / "lost", "iptables-traefik"), "nftables-traefik", verdict=Verdict.FAILED)
    assert main(["compare", str(last), str(lost), "--regressions"]) == 1
    assert "nftables-traefik" in capsys.readouterr().out
    assert main(["compare", str(last), str(cells_of(tmp_path / "half", "iptables-traefik")), "--regressions"]) == 1


def test_a_cell_that_is_in_two_runs_of_a_folder_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = cells_of(tmp_path / "twice", "iptables-traefik", "iptables-traefik")
    assert main(["compare", str(twice), str(twice)]) == 2
    assert "Cell iptables-traefik is in 2 runs" in capsys.readouterr().out
