"""The Gateway API's own tests: which there are, what their program prints, and what becomes of that."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports
from clusters.errors import UsageError
from clusters.progress import SilentProgress
from conformance.upstream import cells, gateway_tests, mapping, options
from conformance.upstream.gateway_api import REPORT, GatewayTests
from conformance.upstream.go_tests import GoReader
from conformance.upstream.selection import Selection
from conformance.upstream.selection import Test as UpstreamTest
from reports.model import Verdict
from tests.miniatures.cluster import a_cluster

SOURCE = """package tests

var HTTPRouteWeight = confsuite.ConformanceTest{
	ShortName:   "HTTPRouteWeight",
}

var HTTPRouteCORS = confsuite.ConformanceTest{
	ShortName: "HTTPRouteCORS",
}
"""
OUTPUT = """=== RUN   TestConformance
    conformance.go:1: Running conformance tests
=== RUN   TestConformance/HTTPRouteWeight
=== NAME  TestConformance/HTTPRouteWeight
    apply.go:275: 2026-11-22T10:00:00Z: Creating weighted-backends HTTPRoute
=== RUN   TestConformance/HTTPRouteWeight/Requests_should_have_a_distribution
=== NAME  TestConformance/HTTPRouteWeight/Requests_should_have_a_distribution
    httproute-weight.go:91:\x20
        \tError Trace:\t/src/httproute-weight.go:91
        \tError:      \tReceived unexpected error:
        \t            \tbackend one got 40 %, which is not
        \t            \twithin 30 % of 70 %
        \tTest:       \tTestConformance/HTTPRouteWeight/Requests_should_have_a_distribution
        \tMessages:   \terror while sending requests
    --- FAIL: TestConformance/HTTPRouteWeight (2.53s)
        --- FAIL: TestConformance/HTTPRouteWeight/Requests_should_have_a_distribution (2.10s)
=== RUN   TestConformance/HTTPRouteCORS
    conformance.go:61: Skipping HTTPRouteCORS: suite does not support HTTPRouteCORS
    --- SKIP: TestConformance/HTTPRouteCORS (0.00s)
=== RUN   TestConformance/HTTPRouteMatching
    --- PASS: TestConformance/HTTPRouteMatching (0.51s)
--- FAIL: TestConformance (3.10s)
"""
NAMES = ["HTTPRouteWeight", "HTTPRouteCORS", "HTTPRouteMatching"]


def test_the_tests_are_those_of_the_sources_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "httproute-weight.go").write_text(SOURCE, encoding="utf-8")
    found = gateway_tests.select(tmp_path, "1.6.3", "Weight", "")
    assert found.every == ["HTTPRouteWeight", "HTTPRouteCORS"]
    (one,) = found.chosen
    tree = "https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/conformance/tests"
    assert (one.name, one.source) == ("HTTPRouteWeight", f"{tree}/httproute-weight.go#L4")


@pytest.mark.parametrize(("focus", "told"), [("Nothing", "No test of 2 is selected"), ("(", "regular expressions")])
def test_a_pattern_that_selects_nothing_is_refused(tmp_path: Path, focus: str, told: str) -> None:
    (tmp_path / "a.go").write_text(SOURCE, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        gateway_tests.select(tmp_path, "1.6.3", focus, "")


def test_each_end_is_told_with_what_the_test_said() -> None:
    reader = GoReader(NAMES)
    told_at_once = OUTPUT.replace("    ---", "\x16---").replace("    \x16---", "\x16---").replace("===", "\x16===")
    ends = [ended for line in told_at_once.splitlines() if (ended := reader.read(line))]
    weight, cors, matching = (reader.outcome(ended) for ended in ends)
    assert (weight.test, weight.verdict, weight.seconds) == ("HTTPRouteWeight", Verdict.FAILED, 2.53)
    said = "Received unexpected error: backend one got 40 %, which is not within 30 % of 70 %"
    assert weight.reason == f"error while sending requests: {said}"
    assert "Creating weighted-backends" in weight.story
    assert (cors.verdict, cors.reason) == (
        Verdict.UNSUPPORTED,
        "Skipping HTTPRouteCORS: suite does not support HTTPRouteCORS",
    )
    assert (matching.verdict, matching.reason, matching.story) == (Verdict.PASSED, "", "")


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, output: str, status: int) -> tuple[int, reports.Stream]:
    """A cell whose program prints this and ends so."""
    script = folder / "gateway-api.test"
    place = folder / "run/upstream/nftables-traefik-gateway-api" / REPORT
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{output}END\necho report >{place}\nexit {status}\n", encoding="utf-8")
    script.chmod(0o755)
    cluster = a_cluster(state=folder / "state", controllers=["traefik"])
    monkeypatch.setattr(cells, "taken", lambda _: cluster)
    monkeypatch.setattr(cells.images, "archives", lambda *_: {})
    monkeypatch.setattr("clusters.lifecycle.provider_for", lambda _: type("P", (), {"load_images": lambda *_: None})())
    monkeypatch.setattr("conformance.upstream.running.kubeconfig", lambda _, target: target)
    monkeypatch.setattr("conformance.upstream.running.place", lambda _: [])
    monkeypatch.setattr("conformance.upstream.gateway_api.listed_features", lambda *_: {"HTTPRoute", "GRPCRoute"})
    words = ["--suite", "gateway-api", "--controller", "traefik", "--run", str(folder / "run"), "--cluster", "c"]
    asked = options.parse(words)
    reports.start(asked.run, command="./noxw -s upstream")
    suite = GatewayTests(script, Selection(NAMES, [UpstreamTest(name, "") for name in NAMES]))
    ended = cells.run(asked, suite, SilentProgress())
    reports.finish(asked.run)
    return ended, reports.read(asked.run)


def test_their_verdicts_and_their_report_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, stream = run(tmp_path, monkeypatch, OUTPUT, 1)
    assert status == 1
    assert {said.test: str(said.verdict) for said in stream.witnesses} == {
        "HTTPRouteWeight": "failed", "HTTPRouteCORS": "unsupported", "HTTPRouteMatching": "passed",
    }  # fmt: skip
    assert {part.title for said in stream.witnesses for part in said.evidence} >= {"their ConformanceReport"}
    (weight,) = [said for said in stream.witnesses if said.test == "HTTPRouteWeight"]
    assert weight.features == ["gw.route.weight"]
    assert weight.reproduce.endswith("--controller traefik --focus HTTPRouteWeight")
    assert stream.ends[0].trouble == ""


def test_a_program_that_breaks_off_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, stream = run(tmp_path, monkeypatch, "panic: no such class\n", 2)
    assert status == 2
    assert "not all of them ran. panic: no such class" in stream.ends[0].trouble
    assert {said.verdict for said in stream.witnesses} == {Verdict.SKIPPED}


def test_profiles_are_those_whose_routes_the_class_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, monkeypatch, OUTPUT, 0)
    suite = GatewayTests(tmp_path / "x", Selection(NAMES, [UpstreamTest(NAMES[0], "")]))
    cluster = a_cluster(state=tmp_path / "state", controllers=["traefik"], versions={"traefik": "3.7.15"})
    controller, claim = suite._under_test(cluster)
    words = suite._command(cluster, controller, claim, Path("k"), tmp_path)
    assert "--version=3.7.15" in words
    assert "--conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC" in words
    assert "--skip-tests=HTTPRouteCORS,HTTPRouteMatching" in words
    assert not [word for word in words if word.startswith("--supported-features")]


def test_the_suite_needs_a_controller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(["--suite", "gateway-api", "--run", str(tmp_path)])
    assert "--controller NAME" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        options.parse(["--controller", "traefik", "--run", str(tmp_path)])
    with pytest.raises(UsageError, match="no controller called 'nobody'"):
        options.parse(["--suite", "gateway-api", "--controller", "nobody", "--run", str(tmp_path)])


def test_every_name_of_the_mapping_has_no_tags() -> None:
    assert [name for name in mapping.mapping("gateway-api") if mapping.bare(name) != name] == []


def test_a_class_that_lists_nothing_is_asked_for_what_its_folder_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.upstream.gateway_api.listed_features", lambda *_: set())
    monkeypatch.setattr("conformance.upstream.running.place", lambda _: [])
    suite = GatewayTests(tmp_path / "x", Selection(NAMES, [UpstreamTest(name, "") for name in NAMES]))
    cluster = a_cluster(state=tmp_path / "state", controllers=["envoy-gateway"])
    controller, claim = suite._under_test(cluster)
    words = suite._command(cluster, controller, claim, Path("k"), tmp_path)
    (supported,) = [word.partition("=")[2] for word in words if word.startswith("--supported-features=")]
    assert set(supported.split(",")) == {"Gateway", "HTTPRoute", "ReferenceGrant", *claim.features}
    assert "--conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP" in words
