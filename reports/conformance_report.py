"""Our own verdicts in the form of the Gateway API's ConformanceReport, one file for each controller.

Whoever reads the official reports of implementations reads ours the same way: a profile for each API that a
controller is judged by, with our features in the place of tests. The profiles' names are ours, so that nobody takes
one for an official one. https://gateway-api.sigs.k8s.io/geps/gep-1709/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from reports.apis import APIS, Axis, api_of
from reports.model import Result, Verdict
from reports.views.merged import CellView, Merged, worst

VERSION = "gateway.networking.k8s.io/v1"
MODE = "default"
FILE = "conformance-report-{}.yaml"
JUDGED = {Verdict.PASSED, Verdict.FAILED, Verdict.ERROR}


def conformance_reports(merged: Merged) -> dict[str, str]:
    """File name → content, for each controller that anything was judged of."""
    found: dict[str, list[CellView]] = {}
    for cell in merged.cells:
        if cell.record.controller and any(_is_of_controllers(result) for result in cell.results):
            found.setdefault(cell.record.controller, []).append(cell)
    return {FILE.format(re.sub(r"[^\w.-]+", "-", name)): _written(cells) for name, cells in sorted(found.items())}


def _is_of_controllers(result: Result) -> bool:
    return api_of(result.feature).axis is Axis.CONTROLLER


def _written(cells: Sequence[CellView]) -> str:
    report = _report(cells)
    text: str = yaml.safe_dump(report, sort_keys=False, allow_unicode=True, width=120)
    return text


def _report(cells: Sequence[CellView]) -> dict[str, Any]:
    first = cells[0].record
    definitions = first.conditions.get("Gateway API definitions", "")
    results = [result for cell in cells for result in cell.results if _is_of_controllers(result)]
    profiles = [
        _profile(api.id, [result for result in results if api_of(result.feature) is api])
        for api in APIS
        if any(api_of(result.feature) is api for result in results)
    ]
    return {
        "apiVersion": VERSION,
        "kind": "ConformanceReport",
        "date": first.started,
        "gatewayAPIChannel": _said(r"(\w+) channel", definitions),
        "gatewayAPIVersion": _said(r"(v\d[\w.-]*)", f"{definitions} v{first.versions.get('gateway-api-crds', '')}"),
        "mode": MODE,
        "implementation": {
            "organization": first.controller,
            "project": first.controller,
            "url": first.controller_url,
            "version": first.versions.get(first.controller, "unknown"),
            "contact": [first.controller_url],
        },
        "profiles": profiles,
    }


def _said(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "unknown"


def _profile(api: str, results: Iterable[Result]) -> dict[str, Any]:
    """One API's features: passed, failed, and those that nobody judged (skipped), which official reports list too."""
    verdicts: dict[str, list[Verdict]] = {}
    for result in results:
        verdicts.setdefault(result.feature, []).append(result.verdict)
    of_feature = {feature: worst(found) for feature, found in sorted(verdicts.items())}
    named = {verdict: [feature for feature, found in of_feature.items() if found is verdict] for verdict in Verdict}
    unjudged = sorted([*named[Verdict.ERROR], *named[Verdict.SKIPPED]])
    outcome = "failure" if named[Verdict.FAILED] else "partial" if unjudged else "success"
    core: dict[str, Any] = {
        "result": outcome,
        "statistics": {
            "Passed": len(named[Verdict.PASSED]),
            "Failed": len(named[Verdict.FAILED]),
            "Skipped": len(unjudged),
        },
    }
    if named[Verdict.FAILED]:
        core["failedTests"] = named[Verdict.FAILED]
    if unjudged:
        core["skippedTests"] = unjudged
    profile: dict[str, Any] = {"name": f"ROADTEST-{api.upper()}", "core": core, "summary": _summary(named)}
    if named[Verdict.UNSUPPORTED]:
        profile["extended"] = {
            "result": "success",
            "statistics": {"Passed": 0, "Failed": 0, "Skipped": 0},
            "unsupportedFeatures": named[Verdict.UNSUPPORTED],
        }
    return profile


def _summary(named: dict[Verdict, list[str]]) -> str:
    told = [f"{len(features)} {verdict}" for verdict, features in named.items() if features]
    errors = " An error is Roadtest's own: nothing was judged there." if named[Verdict.ERROR] else ""
    return f"Roadtest's features: {', '.join(told)}.{errors}"
