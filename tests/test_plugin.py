"""Whatever happens in a test, it gives exactly one verdict, and never a pass by accident; alone and under xdist."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports
from reports.model import Result, Verdict

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _importable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytester runs in a folder of its own; what it starts must find the project and the stand-ins."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{pytester.path}")


CASES = """
import pytest
from fixtures.observations import Observation, Outcome
from fixtures.verdicts import ArrangementError, Mismatch, unsupported

reach = pytest.mark.feature("svc.clusterip.reach")
SEEN = [Observation(vantage="client-1", target="t", at=0.0, seconds=0.1, outcome=Outcome.REFUSED, detail="no")]

@pytest.fixture
def broken():
    raise RuntimeError("no such thing")

@pytest.fixture
def mismatch_in_setup():
    raise Mismatch("a", "b")

@pytest.fixture
def leaking():
    yield
    raise OSError("cannot remove")

@reach
def test_passes(note, shares_hold):
    from fixtures.statistics import share
    note("address", "10.0.0.1")
    shares_hold(share(100, 1000, 0.1), "a tenth")

@reach
def test_fails(): raise Mismatch("x to be 1", "2", SEEN)

@reach
def test_crashes(): 1 / 0

@reach
def test_asserts(): assert 1 == 2

@reach
def test_setup_crashes(broken): pass

@reach
def test_setup_mismatch(mismatch_in_setup): pass

@reach
def test_teardown_crashes(leaking): pass

@reach
def test_not_arranged(): raise ArrangementError("Pods were not Ready.", "Look at them.")

@reach
def test_unsupported(): unsupported("Not done.", "https://example.org/docs")

@reach
def test_skipped(): pytest.skip("one node only")

@reach
def test_skipped_without_reason(): pytest.skip()

def test_without_feature(): pass
"""

EXPECTED = {
    "passes": Verdict.PASSED,
    "fails": Verdict.FAILED,
    "crashes": Verdict.ERROR,
    "asserts": Verdict.ERROR,
    "setup crashes": Verdict.ERROR,
    "setup mismatch": Verdict.ERROR,
    "teardown crashes": Verdict.ERROR,
    "not arranged": Verdict.ERROR,
    "unsupported": Verdict.UNSUPPORTED,
    "skipped": Verdict.SKIPPED,
    "skipped without reason": Verdict.ERROR,
    "without feature": Verdict.ERROR,
}

CONFTEST = """
from pathlib import Path
import clusters
from clusters.provider import Cluster
from fixtures import evidence, plugin, vantage_pods

CLUSTER = Cluster(
    name="c", provider="embedded", provider_reason="", mode="nftables", kubeconfig=Path("k"), state=Path("s"),
    nodes=[], clients=[], servers=[], pod_subnet="", service_subnet="", load_balancer_pool="", dns_address="",
    controllers=["traefik"],
)
clusters.load = lambda name: CLUSTER
plugin.Api = lambda kubeconfig: None
plugin.remove_namespaces = lambda api, run: Path("removed").touch()
vantage_pods.create = lambda api, run: "vantages"
evidence.collect = lambda api, cluster, namespaces, run, folder: (run / folder).mkdir(parents=True) or []
"""


def run_cases(pytester: pytest.Pytester, *options: str, cases: str = CASES) -> tuple[int, dict[str, Result]]:
    pytester.makepyfile(nocluster=CONFTEST, test_case=cases)
    ended = pytester.runpytest_subprocess(
        *("-p", "nocluster", "-p", "fixtures.plugin", "--cluster", "c", "--run", "runs/r", *options)
    )
    stream = reports.read(pytester.path / "runs" / "r")
    assert len({result.test for result in stream.results}) == len(stream.results)
    return int(ended.ret), {result.title: result for result in stream.results}


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_each_end_of_a_test_gives_its_one_verdict(pytester: pytest.Pytester, options: list[str]) -> None:
    status, results = run_cases(pytester, *options)
    assert {title: result.verdict for title, result in results.items()} == EXPECTED
    assert status == 2
    assert (pytester.path / "removed").exists()

    failed = results["fails"]
    assert (failed.expected, failed.observed) == ("x to be 1", "2")
    assert failed.attempts[0].outcome == "refused"
    assert failed.requirement
    assert failed.source.startswith("https://")
    assert "conformance(mode='nftables', controller='traefik')" in failed.reproduce
    assert failed.test in failed.reproduce
    assert results["passes"].notes == {"address": "10.0.0.1"}
    assert results["passes"].statistics["n"] == 1000
    assert "https://example.org/docs" in results["unsupported"].reason
    assert results["skipped"].reason == "one node only"
    assert "no such thing" in results["setup crashes"].reason
    assert results["crashes"].evidence[0].title.startswith("Traceback")


HEAD = CASES.partition("@reach\ndef test_passes")[0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("pass", 0, id="all passed"),
        pytest.param("unsupported('Not done.', 'https://example.org')", 0, id="declared unsupported"),
        pytest.param("raise Mismatch('a', 'b')", 1, id="theirs"),
        pytest.param("raise KeyError('x')", 2, id="ours"),
    ],
)
def test_exit_status_tells_theirs_from_ours(pytester: pytest.Pytester, body: str, expected: int) -> None:
    status, _ = run_cases(pytester, cases=f"{HEAD}@reach\ndef test_it(): {body}\n")
    assert status == expected


def test_a_selection_that_matches_nothing_is_an_error_of_ours(pytester: pytest.Pytester) -> None:
    status, results = run_cases(pytester, "-k", "nothing_like_this")
    assert (status, results) == (2, {})


def test_an_unknown_feature_is_refused_with_near_ones(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(nocluster=CONFTEST, test_case=CASES)
    ended = pytester.runpytest_subprocess(
        *("-p", "nocluster", "-p", "fixtures.plugin", "--cluster", "c", "--feature", "svc.clusterip.reech")
    )
    assert ended.ret == 4
    ended.stderr.fnmatch_lines(["*There is no feature svc.clusterip.reech*svc.clusterip.reach*"])
