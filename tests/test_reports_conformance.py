"""Our verdicts in the form of a ConformanceReport."""

from __future__ import annotations

from pathlib import Path

import yaml

import reports
from clusters import controllers
from reports.conformance_report import conformance_reports
from reports.model import Cell, CellEnd, Result, Verdict
from reports.views.merged import merge


def result(cell: str, feature: str, verdict: Verdict) -> Result:
    reason = "" if verdict is Verdict.PASSED else "for a reason"
    return Result(
        cell=cell, feature=feature, test=f"suites/x.py::test_{feature}_{verdict}", title=feature, verdict=verdict,
        requirement="r", source="https://x.example", reason=reason, started="2026-11-22T10:00:00.000Z", seconds=0.1,
    )  # fmt: skip


def run_of(
    folder: Path, controller: str, verdicts: list[tuple[str, Verdict]], versions: dict[str, str] | None = None
) -> Path:
    reports.start(folder, command="./noxw -s conformance")
    cell = f"nftables-{controller}".rstrip("-")
    record = Cell(
        cell=cell, started="2026-11-22T10:00:00.000Z", provider="embedded", provider_reason="asked for",
        mode="nftables", controller=controller, controller_url="https://docs.example/", nodes=2,
        versions={**(versions or {controller: "1.2.3"}), "gateway-api-crds": "1.6.3"},
        conditions={"Gateway API definitions": "experimental channel"},
    )  # fmt: skip
    reports.append(folder, record)
    for feature, verdict in verdicts:
        reports.append(folder, result(cell, feature, verdict))
    reports.append(folder, CellEnd(cell=cell, finished="2026-11-22T10:01:00.000Z", seconds={}))
    reports.finish(folder)
    return folder


def test_a_controller_has_a_file_with_a_profile_for_each_api(tmp_path: Path) -> None:
    run = run_of(
        tmp_path / "run",
        "contour",
        [
            ("ing.host", Verdict.PASSED),
            ("gw.route.path", Verdict.PASSED),
            ("gw.route.path", Verdict.FAILED),
            ("gw.route.query", Verdict.PASSED),
            ("gw.udp", Verdict.UNSUPPORTED),
            ("gw.tcp", Verdict.ERROR),
            ("svc.clusterip.reach", Verdict.FAILED),
        ],
    )
    found = conformance_reports(merge([reports.read(run)]))
    assert list(found) == ["conformance-report-contour.yaml"]
    report = yaml.safe_load(found["conformance-report-contour.yaml"])
    assert (report["kind"], report["gatewayAPIVersion"], report["gatewayAPIChannel"]) == (
        "ConformanceReport", "v1.6.3", "experimental",
    )  # fmt: skip
    assert report["implementation"]["version"] == "1.2.3"
    ingress, gateway = report["profiles"]
    assert (ingress["name"], ingress["core"]["result"]) == ("ROADTEST-INGRESS", "success")
    assert gateway["core"] == {
        "result": "failure",
        "statistics": {"Passed": 1, "Failed": 1, "Skipped": 1},
        "failedTests": ["gw.route.path"],
        "skippedTests": ["gw.tcp"],
    }
    assert gateway["extended"]["unsupportedFeatures"] == ["gw.udp"]
    assert "1 error" in gateway["summary"]


def test_the_version_is_the_one_that_a_cluster_of_ours_records(tmp_path: Path) -> None:
    """Also where the controller's component has another name."""
    name = "istio-from-source"
    run = run_of(tmp_path / "run", name, [("gw.udp", Verdict.PASSED)], controllers.versions([name]))
    (text,) = conformance_reports(merge([reports.read(run)])).values()
    version = yaml.safe_load(text)["implementation"]["version"]
    assert version == controllers.describe(name).charts[0].version


def test_what_nobody_judged_makes_no_success(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "x", [("gw.udp", Verdict.PASSED), ("gw.tcp", Verdict.ERROR)])
    (text,) = conformance_reports(merge([reports.read(run)])).values()
    assert yaml.safe_load(text)["profiles"][0]["core"]["result"] == "partial"


def test_a_mode_alone_has_no_such_file(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "", [("svc.clusterip.reach", Verdict.PASSED)])
    assert not conformance_reports(merge([reports.read(run)]))
