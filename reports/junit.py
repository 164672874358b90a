"""JUnit XML for CI systems: one test suite per cell, failures (theirs) and errors (ours) told apart.

The form is that of Jenkins' schema
(https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd),
the strictest in use; it allows properties for a suite only. What belongs to one check (feature, source, command) stands
in its ``system-out`` as ``[[PROPERTY|name=value]]`` lines, as https://github.com/testmoapp/junitxml describes them.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from reports.model import Attempt, Result, Verdict, Witness
from reports.text import duration, first_line, shorten
from reports.views.merged import CellView, Merged
from reports.views.stories import command

TEXT_LIMIT = 20_000
ATTEMPTS = 50
ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.ERROR: "error",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.SKIPPED: "skipped",
}


def junit(merged: Merged) -> bytes:
    """The XML document. What keeps a run from being whole is a suite of its own, so that nobody reads it as green."""
    suites = [_suite(cell) for cell in merged.cells if cell.results or not cell.witnesses]
    suites += [suite for cell in merged.cells for suite in _witness_suites(cell)]
    if merged.troubles:
        suites.append(_troubles(merged.troubles))
    root = ET.Element("testsuites", {"name": "Roadtest", **_totals(suites)})
    root.extend(suites)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _suite(cell: CellView) -> ET.Element:
    record = cell.record
    properties = {
        "provider": record.provider,
        "provider reason": record.provider_reason,
        "mode": record.mode,
        "controller": record.controller,
        "nodes": str(record.nodes),
        **{f"version {name}": version for name, version in record.versions.items()},
        **{f"condition {name}": told for name, told in record.conditions.items()},
    }
    suite = ET.Element("testsuite", name=cell.title, tests=str(len(cell.results)))
    suite.set("failures", _number(cell.results, Verdict.FAILED))
    suite.set("errors", _number(cell.results, Verdict.ERROR))
    suite.set("skipped", _number(cell.results, Verdict.UNSUPPORTED, Verdict.SKIPPED))
    suite.set("time", f"{sum(result.seconds for result in cell.results):.3f}")
    if record.started:
        suite.set("timestamp", record.started)
    listed = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(listed, "property", name=name, value=value)
    suite.extend(_case(cell, result) for result in cell.results)
    return suite


def _number(results: Sequence[Result | Witness], *verdicts: Verdict) -> str:
    return str(sum(1 for result in results if result.verdict in verdicts))


def _witness_suites(cell: CellView) -> Iterator[ET.Element]:
    """What others say of a cell, a suite of its own for each of theirs."""
    for name, version in dict.fromkeys((witness.suite, witness.version) for witness in cell.witnesses):
        heard = [witness for witness in cell.witnesses if (witness.suite, witness.version) == (name, version)]
        suite = ET.Element("testsuite", name=f"{name} {version} on {cell.title}", tests=str(len(heard)))
        suite.set("failures", _number(heard, Verdict.FAILED))
        suite.set("errors", _number(heard, Verdict.ERROR))
        suite.set("skipped", _number(heard, Verdict.UNSUPPORTED, Verdict.SKIPPED))
        suite.set("time", f"{sum(witness.seconds for witness in heard):.3f}")
        suite.extend(_testimony(cell, witness) for witness in heard)
        yield suite


def _testimony(cell: CellView, witness: Witness) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"{cell.record.cell}.{witness.suite}",
        name=witness.test,
        time=f"{witness.seconds:.3f}",
    )
    if witness.verdict in ELEMENTS:
        reason = first_line(witness.reason) or "no reason was given"
        element = ET.SubElement(case, ELEMENTS[witness.verdict], type=str(witness.verdict), message=reason)
        element.text = shorten(witness.reason, TEXT_LIMIT)
    facts = {"features": " ".join(witness.features), "source": witness.source, "reproduce": witness.reproduce}
    lines = [f"[[PROPERTY|{name}={first_line(value, 1000)}]]" for name, value in facts.items() if value]
    ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _case(cell: CellView, result: Result) -> ET.Element:
    """Class and name stay the same from run to run, so that CI systems can follow a check over time."""
    module, _, test = result.test.partition("::")
    path = module.removesuffix(".py").replace("/", ".")
    case = ET.Element(
        "testcase",
        classname=f"{cell.record.cell}.{path}",
        name=f"{result.feature} {test or module}".strip(),
        time=f"{result.seconds:.3f}",
    )
    if result.verdict in ELEMENTS:
        reason = first_line(result.reason) or "no reason was given"
        told = f"unsupported: {reason}" if result.verdict is Verdict.UNSUPPORTED else reason
        element = ET.SubElement(case, ELEMENTS[result.verdict], type=str(result.verdict), message=told)
        element.text = _story(result)
    facts = {"feature": result.feature, "source": result.source, "reproduce": command(result)}
    lines = [f"[[PROPERTY|{name}={first_line(value, 1000)}]]" for name, value in facts.items() if value]
    lines += [f"{name}: {value}" for name, value in result.notes.items()]
    ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _story(result: Result) -> str:
    parts = {
        "Requirement": f"{result.requirement}\n{result.source}".strip(),
        "Reason": result.reason,
        "Expected": result.expected,
        "Observed": result.observed,
        "Attempts": "\n".join(_attempt(attempt) for attempt in result.attempts[:ATTEMPTS]),
        "Evidence": "\n".join(f"{item.title}: {item.path}" for item in result.evidence),
        "Run it again": result.reproduce,
    }
    if len(result.attempts) > ATTEMPTS:
        parts["Attempts"] += f"\n{len(result.attempts) - ATTEMPTS} more in results.jsonl"
    told = [f"{name}:\n{shorten(text, TEXT_LIMIT)}" for name, text in parts.items() if text]
    return "\n\n".join(told)


def _attempt(attempt: Attempt) -> str:
    took = duration(attempt.seconds)
    return (
        f"{attempt.at} {attempt.vantage} → {attempt.target}: {attempt.outcome} after {took} {attempt.detail}".rstrip()
    )


def _troubles(troubles: Sequence[str]) -> ET.Element:
    suite = ET.Element("testsuite", name="the run is whole", tests="1", failures="0", errors="1", skipped="0", time="0")
    case = ET.SubElement(suite, "testcase", classname="run", name="the run is whole", time="0")
    error = ET.SubElement(case, "error", type="error", message=first_line(troubles[0]))
    error.text = "\n".join(trouble for trouble in troubles)
    return suite


def _totals(suites: Sequence[ET.Element]) -> dict[str, str]:
    """Jenkins' schema knows no total of skipped ones."""
    totals = {name: str(sum(int(suite.get(name, "0")) for suite in suites)) for name in ("tests", "failures", "errors")}
    return {**totals, "time": f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}"}
