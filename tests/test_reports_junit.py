"""JUnit XML: what CI systems count, in the form that the strictest of them admits."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import reports
from reports.junit import junit
from reports.views.merged import merge
from tests import reports_hostile, reports_miniature

REQUIRED = {
    "testsuites": set(),
    "testsuite": {"name", "tests", "failures", "errors"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name"},
    **{tag: set() for tag in ("failure", "error", "skipped", "system-out", "system-err")},
}
ADMITTED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": REQUIRED["testsuite"] | {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname", "group"},
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
    **{tag: set() for tag in ("system-out", "system-err")},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}
"""The rules of Jenkins' junit-10.xsd, in short."""


def faults(element: ET.Element) -> list[str]:
    """What the schema does not admit."""
    found = [f"{element.tag} lacks {name}" for name in REQUIRED[element.tag] - element.attrib.keys()]
    found += [f"{element.tag} has {name}" for name in element.attrib.keys() - ADMITTED[element.tag]]
    found += [f"{child.tag} in {element.tag}" for child in element if child.tag not in CHILDREN.get(element.tag, set())]
    return found + [fault for child in element if child.tag in REQUIRED for fault in faults(child)]


def document(*runs: Path) -> ET.Element:
    return ET.fromstring(junit(merge(reports.read(run) for run in runs)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> ET.Element:
    return document(reports_miniature.write(tmp_path_factory.mktemp("junit") / "run"))


@pytest.mark.parametrize(
    "wrong",
    [
        '<testsuites skipped="1"/>',
        '<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>',
        '<testsuites><testcase name="a"/></testsuites>',
        '<testsuites><testsuite name="a" tests="1" failures="0" errors="0"><testcase name="a"><properties/></testcase>'
        "</testsuite></testsuites>",
    ],
)
def test_the_schema_check_finds_what_jenkins_refuses(wrong: str) -> None:
    assert faults(ET.fromstring(wrong))


def test_the_document_is_what_jenkins_admits(root: ET.Element) -> None:
    assert faults(root) == []


def test_there_is_one_suite_per_cell_and_its_counts_are_right(root: ET.Element) -> None:
    assert [suite.get("name") for suite in root] == ["iptables · Traefik 3.7.15", "nftables · Traefik 3.7.15"]
    for suite in root:
        for count, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count, "")) == len(suite.findall(f"testcase/{element}"))
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "82",
        "failures": "2",
        "errors": "1",
    }


def test_a_suite_has_the_versions_and_conditions_of_its_cell(root: ET.Element) -> None:
    told = {found.get("name"): found.get("value") for found in root[0].iter("property")}
    assert (told["version traefik"], told["condition traefik throttle"]) == ("3.7.15", "2s, the default")


def test_failures_errors_and_unsupported_are_told_apart(root: ET.Element) -> None:
    cases = {case.get("name", ""): case for case in root[1].findall("testcase")}
    story = next(case.find("failure") for name, case in cases.items() if "local_policy" in name)
    assert [name for name, case in cases.items() if case.find("failure") is not None] == [
        "can.weight test_share_follows_the_weight[10]",
        "svc.etp.local test_local_policy_keeps_the_client_address",
    ]
    assert story is not None
    assert story.get("message", "").startswith("The pod on n1 saw 10.244.1.1")
    for part in ("Requirement:", "Expected:", "Observed:", "Attempts:", "Evidence:", "Run it again:"):
        assert part in (story.text or "")
    error = next(case.find("error") for name, case in cases.items() if "moved_pod" in name)
    assert error is not None
    unsupported = next(case.find("skipped") for name, case in cases.items() if name.startswith("gw.tcp"))
    assert unsupported is not None
    assert unsupported.get("message", "").startswith("unsupported: Traefik serves TCPRoute only")
    skipped = next(case.find("skipped") for name, case in cases.items() if name.startswith("svc.dual-stack"))
    assert skipped is not None
    assert skipped.get("message") == "The cluster has IPv4 only."


def test_each_case_names_its_feature_source_and_command(root: ET.Element) -> None:
    case = root[0].find("testcase")
    assert case is not None
    assert case.get("classname") == "iptables-traefik.suites.services.test_clusterip_reach"
    out = case.findtext("system-out", "")
    assert "[[PROPERTY|feature=svc.clusterip.reach]]" in out
    assert "[[PROPERTY|source=https://kubernetes.io/docs/concepts/services-networking/service/]]" in out
    assert "[[PROPERTY|reproduce=./noxw -s" in out
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(set(names))


def test_a_run_that_is_not_whole_is_red(tmp_path: Path) -> None:
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    reports_miniature.write_cell(run, "iptables")
    root = document(run)
    assert faults(root) == []
    assert root.get("errors") == "1"
    assert "The footer is missing" in (root[-1].findtext("testcase/error") or "")


def test_foreign_text_keeps_the_document_well_formed(tmp_path: Path) -> None:
    root = document(reports_hostile.write(tmp_path / "run"))
    assert faults(root) == []
    told = [element for kind in ("failure", "error", "skipped") for element in root.iter(kind)]
    assert all("<script>alert(1)</script>]]>" in (element.text or "") for element in told if element.get("type") != "x")
