"""Whatever happens in a test, it gives exactly one verdict, and never a pass by accident; alone and under xdist."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

import clusters
import reports
from clusters.provider import Cluster
from fixtures import leader
from reports.model import Result, Verdict

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _importable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytester runs in a folder of its own; what it starts must find the project and the stand-ins."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{pytester.path}")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins cost more than the tests


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
def test_fails_and_teardown_crashes(leaking): raise Mismatch("x to be 1", "2", SEEN)

@reach
def test_not_arranged(): raise ArrangementError("Pods were not Ready.", "Look at them.")

@reach
def test_unsupported(): unsupported("Not done.", "https://example.org/docs")

@reach
@pytest.mark.needs("two-nodes")
def test_needs_more_nodes_than_there_are(): raise Mismatch("never", "run")

@reach
def test_skipped(): pytest.skip("one node only")

@reach
def test_skipped_without_reason(): pytest.skip()

def test_without_feature():
    raise Mismatch("never", "run")

@pytest.mark.feature("svc.clusterip.reech")
def test_with_an_unknown_feature():
    raise Mismatch("never", "run")

@reach
@pytest.mark.xfail
def test_expected_to_fail(): raise Mismatch("x to be 1", "2")

@reach
def test_tells_two_shares(shares_hold):
    from fixtures.statistics import share
    shares_hold(share(100, 1000, 0.1), "a tenth")
    shares_hold(share(0, 100, 0.0), "nothing")
"""

EXPECTED = {
    "passes": Verdict.PASSED,
    "fails": Verdict.FAILED,
    "crashes": Verdict.ERROR,
    "asserts": Verdict.ERROR,
    "setup crashes": Verdict.ERROR,
    "setup mismatch": Verdict.ERROR,
    "teardown crashes": Verdict.ERROR,
    "fails and teardown crashes": Verdict.ERROR,
    "not arranged": Verdict.ERROR,
    "unsupported": Verdict.UNSUPPORTED,
    "needs more nodes than there are": Verdict.UNSUPPORTED,
    "skipped": Verdict.SKIPPED,
    "skipped without reason": Verdict.ERROR,
    "without feature": Verdict.ERROR,
    "with an unknown feature": Verdict.ERROR,
    "expected to fail": Verdict.FAILED,
    "tells two shares": Verdict.PASSED,
}

CONFTEST = """
from pathlib import Path
import clusters
from clusters.provider import Cluster
from fixtures import evidence, leader, plugin, vantage_pods

CLUSTER = Cluster(
    name="c", provider="embedded", provider_reason="", mode="nftables", kubeconfig=Path("k"), state=Path("s"),
    nodes=[], clients=[], servers=[], pod_subnet="", service_subnet="", load_balancer_pool="", dns_address="",
    controllers=["traefik"],
)
CLUSTER.state.mkdir(exist_ok=True)
clusters.load = lambda name: CLUSTER
class Api:
    def __init__(self, kubeconfig, scratch): pass
    def close(self): pass

plugin.Api = Api
leader.clear = lambda api, cluster, run: Path("removed").touch()
vantage_pods.create = lambda api, cluster, run: "vantages"
evidence.collect = lambda api, cluster, namespaces, run, folder: []
"""


def run_cases(
    pytester: pytest.Pytester, *options: str, cases: str = CASES, nocluster: str = CONFTEST
) -> tuple[int, dict[str, Result]]:
    pytester.makepyfile(nocluster=nocluster, test_case=cases)
    ended = pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", "nocluster", "-p", "fixtures.plugin", "--cluster", "c", "--run", "runs/r", *options)
    )
    stream = reports.read(pytester.path / "runs" / "r")
    assert len({result.test for result in stream.results}) == len(stream.results)
    return int(ended.ret), {result.title: result for result in stream.results}


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "xdist"])
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
    assert results["needs more nodes than there are"].reason == "needs 2 nodes, and this cluster has 0"
    assert results["skipped"].reason == "one node only"
    assert "no such thing" in results["setup crashes"].reason
    assert results["crashes"].evidence[0].title.startswith("Traceback")
    assert failed.evidence[0].title == "Every attempt"
    assert '"detail":"no"' in (pytester.path / "runs" / "r" / failed.evidence[0].path).read_text()

    both = results["fails and teardown crashes"]
    assert (both.expected, both.observed, both.attempts) == ("x to be 1", "2", failed.attempts)
    assert "cannot remove" in both.reason
    assert "observed 2" in both.reason
    assert "names no feature" in results["without feature"].reason
    assert "svc.clusterip.reach" in results["with an unknown feature"].reason
    assert results["tells two shares"].statistics.keys() >= {"n", "nothing: n"}


HEAD = CASES.partition("@reach\ndef test_passes")[0]

FAMILIES = """
@pytest.mark.each_family
@reach
def test_is_judged_in_each(family, cluster, note):
    note("seen", f"{family} {cluster.families} {cluster.pod_subnet}")

@reach
def test_is_judged_in_one(family, note):
    note("seen", family)
"""


def test_a_marked_check_is_judged_in_each_family_of_a_dual_stack_cluster(pytester: pytest.Pytester) -> None:
    dual = (
        'controllers=["traefik"], families=["IPv6", "IPv4"],\n'
        '    ranges={"IPv4": Ranges(pod_subnet="10.0.0.0/8"), "IPv6": Ranges(pod_subnet="fd00::/8")},'
    )
    nocluster = CONFTEST.replace('controllers=["traefik"],', dual).replace("import Cluster", "import Cluster, Ranges")
    nocluster = nocluster.replace('dns_address=""', 'dns_address="10.96.0.10"')
    _, results = run_cases(pytester, "-n", "2", cases=HEAD + FAMILIES, nocluster=nocluster)
    assert {title: result.notes["seen"] for title, result in results.items()} == {
        "is judged in each [IPv6]": "IPv6 ['IPv6', 'IPv4'] ",
        "is judged in each [IPv4]": "IPv4 ['IPv4'] 10.0.0.0/8",
        "is judged in one": "IPv6",
    }
    assert "--families ipv6,ipv4" in results["is judged in one"].reproduce


def test_a_marked_check_is_one_where_there_is_one_family(pytester: pytest.Pytester) -> None:
    nocluster = CONFTEST.replace('dns_address=""', 'dns_address="10.96.0.10"')
    _, results = run_cases(pytester, cases=HEAD + FAMILIES, nocluster=nocluster)
    assert set(results) == {"is judged in each", "is judged in one"}
    assert "--families" not in results["is judged in one"].reproduce


@pytest.mark.parametrize(
    ("pytests", "counts", "judged", "expected"),
    [
        pytest.param(0, {Verdict.PASSED: 2}, 2, 0, id="all passed"),
        pytest.param(0, {Verdict.PASSED: 1, Verdict.UNSUPPORTED: 1}, 2, 0, id="declared unsupported"),
        pytest.param(0, {Verdict.PASSED: 1, Verdict.SKIPPED: 1}, 2, 0, id="skipped with a reason"),
        pytest.param(1, {Verdict.PASSED: 1, Verdict.FAILED: 1}, 2, 1, id="theirs"),
        pytest.param(1, {Verdict.FAILED: 1}, 1, 1, id="theirs, and stopped there"),
        pytest.param(1, {Verdict.FAILED: 1, Verdict.ERROR: 1}, 2, 2, id="theirs and ours"),
        pytest.param(1, {Verdict.PASSED: 2}, 2, 2, id="pytest knows of a failure that we do not"),
        pytest.param(0, {Verdict.PASSED: 1}, 1, 2, id="one was not run"),
        pytest.param(2, {Verdict.PASSED: 1}, 1, 2, id="interrupted"),
        pytest.param(3, {Verdict.PASSED: 2}, 2, 2, id="pytest broke"),
        pytest.param(5, {}, 0, 2, id="nothing was selected"),
        pytest.param(0, {}, 0, 2, id="nothing was judged"),
    ],
)
def test_exit_status_tells_theirs_from_ours(
    pytests: int, counts: dict[Verdict, int], judged: int, expected: int
) -> None:
    assert leader.exit_status(pytests, counts, judged=judged, collected=2) == expected


def test_an_unknown_feature_is_refused_with_near_ones(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "load", lambda name: None)
    pytester.makepyfile(test_case=CASES)
    ended = pytester.runpytest_inprocess("-p", "fixtures.plugin", "--cluster", "c", "--feature", "svc.clusterip.reech")
    assert ended.ret == 4
    ended.stderr.fnmatch_lines(["*There is no feature svc.clusterip.reech*svc.clusterip.reach*"])


@pytest.mark.parametrize(
    ("options", "verdict", "reason"),
    [(["--skip-slow", "No time."], Verdict.SKIPPED, "No time."), ([], Verdict.FAILED, "Expected never")],
)
def test_what_takes_minutes_is_left_out_with_a_reason(
    pytester: pytest.Pytester, options: list[str], verdict: Verdict, reason: str
) -> None:
    cases = f"{HEAD}@reach\n@pytest.mark.slow\ndef test_it(): raise Mismatch('never', 'run')\n"
    _, results = run_cases(pytester, *options, cases=cases)
    assert results["it"].verdict is verdict
    assert results["it"].reason.startswith(reason)


def test_a_worker_that_dies_is_an_error_of_ours_and_the_others_are_judged(pytester: pytest.Pytester) -> None:
    cases = f"{HEAD}@reach\ndef test_dies():\n    import os; os._exit(1)\n@reach\ndef test_lives(): pass\n"
    status, results = run_cases(pytester, "-n", "1", cases=cases)
    assert {title: result.verdict for title, result in results.items()} == {
        "dies": Verdict.ERROR,
        "lives": Verdict.PASSED,
    }
    assert "crashed while running" in results["dies"].reason
    assert results["dies"].feature == "svc.clusterip.reach"
    assert status == 2


def test_checks_that_cannot_be_read_are_an_error_of_ours_on_record(pytester: pytest.Pytester) -> None:
    cases = 'from fixtures.catalogue import feature\n@feature("svc.clusterip.reech")\ndef test_it(): pass\n'
    status, results = run_cases(pytester, "--continue-on-collection-errors", "-n", "2", cases=cases)
    assert status == 2
    (result,) = results.values()
    assert result.verdict is Verdict.ERROR
    assert "There is no feature svc.clusterip.reech. Did you mean svc.clusterip.reach" in result.reason


def test_evidence_that_cannot_be_had_changes_no_verdict(pytester: pytest.Pytester) -> None:
    broken = CONFTEST.replace("run, folder: []", "run, folder: 1 / 0")
    status, results = run_cases(
        pytester, cases=f"{HEAD}@reach\ndef test_it(): raise Mismatch('a', 'b')\n", nocluster=broken
    )
    assert (status, results["it"].verdict) == (1, Verdict.FAILED)
    assert "ZeroDivisionError" in results["it"].notes["evidence that is missing"]


INTERRUPTED = """
@reach
def test_is_judged(): pass

@reach
def test_goes_on():
    import os, pathlib, time
    pathlib.Path("ready").touch()
    while not pathlib.Path("enough").exists(): time.sleep(1)
"""


@pytest.mark.parametrize(
    ("options", "number"),
    [pytest.param([], signal.SIGINT, id="Ctrl-C"), pytest.param(["-n", "1"], signal.SIGTERM, id="SIGTERM, xdist")],
)
def test_an_interrupted_run_removes_what_it_made(
    pytester: pytest.Pytester, options: list[str], number: signal.Signals
) -> None:
    pytester.makepyfile(nocluster=CONFTEST, test_case=HEAD + INTERRUPTED)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist",
        "-p",
        "nocluster",
        "-p",
        "fixtures.plugin",
        "--cluster",
        "c",
    ]
    process = subprocess.Popen(
        [*command, "--run", "runs/r", *options], cwd=pytester.path, stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        results = pytester.path / "runs" / "r" / "results.jsonl"
        while not ((pytester.path / "ready").exists() and '"type":"result"' in results.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        (pytester.path / "enough").touch()  # a worker gets no signal: it ends its check, which nobody waits for
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 2
    assert (pytester.path / "removed").exists()
    assert "1 of 2 checks were not run" in output
    (result,) = reports.read(pytester.path / "runs" / "r").results
    assert result.verdict is Verdict.PASSED


THEIRS = CONFTEST.replace(
    "controllers=",
    'lacks={"second-client": "There is one client.", "node-ports": "No way."}, again="--context x", controllers=',
)
LACKING = """
def test_asks_for_two(client_2): raise Mismatch("never", "run")

@pytest.mark.needs("node-ports")
def test_is_marked(): raise Mismatch("never", "run")

def test_needs_nothing(): pass
"""
LACKING = HEAD + LACKING.replace("def test", "@reach\ndef test")


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_what_the_cluster_lacks_is_skipped_with_the_reason_and_never_run(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    status, results = run_cases(pytester, *options, cases=LACKING, nocluster=THEIRS)
    assert status == 0
    assert {(title, result.verdict, result.reason, result.feature) for title, result in results.items()} == {
        ("asks for two", Verdict.SKIPPED, "There is one client.", "svc.clusterip.reach"),
        ("is marked", Verdict.SKIPPED, "No way.", "svc.clusterip.reach"),
        ("needs nothing", Verdict.PASSED, "", "svc.clusterip.reach"),
    }
    assert results["needs nothing"].reproduce.startswith("./noxw -s conformance -- --context x --load none 'test_case")


def test_a_dry_run_tells_what_would_be_run_and_does_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(nocluster=THEIRS, test_case=LACKING)
    ended = pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", "nocluster", "-p", "fixtures.plugin", "--cluster", "c", "--dry-run")
    )
    assert ended.ret == 0
    ended.stdout.fnmatch_lines(
        [
            "*left out*test_asks_for_two*There is one client.",
            "*left out*test_is_marked*No way.",
            "*would run*test_needs_nothing*",
            "Namespaces: roadtest-<run>-vantages-<random>*",
            "To send from: DaemonSet.",
            "1 of 3 checks would run; nothing was made or changed.",
        ]
    )
    assert not (pytester.path / "removed").exists()
    assert not (pytester.path / "runs").exists()


def test_a_cluster_without_a_controller_is_used_again() -> None:
    cluster = msgspec.convert(
        {
            **dict.fromkeys(
                ("provider_reason", "pod_subnet", "service_subnet", "load_balancer_pool", "dns_address"), ""
            ),
            **{"name": "mine", "provider": "embedded", "mode": "nftables", "nodes": [], "clients": [], "servers": []},
            **{"kubeconfig": Path("k"), "state": Path("s")},
        },
        Cluster,
    )
    assert (
        leader.reproduce(cluster, "suites/a.py::test_a[x]")
        == "./noxw -s \"conformance(mode='nftables', controller='none')\" -- --load none 'suites/a.py::test_a[x]'"
    )


def test_checks_are_listed_but_not_run_without_a_cluster(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_case=HEAD + INTERRUPTED)
    listed = pytester.runpytest_inprocess("-p", "fixtures.plugin", "--collect-only", "-q")
    listed.stdout.fnmatch_lines(["test_case.py::test_is_judged"])
    asked = pytester.runpytest_inprocess("-p", "fixtures.plugin")
    assert asked.ret == pytest.ExitCode.USAGE_ERROR
    asked.stderr.fnmatch_lines(["ERROR: Name the cluster to judge: --cluster NAME*"])


MEETING = """
import time
import pytest
from pathlib import Path

@pytest.mark.feature("svc.clusterip.reach")
@pytest.mark.disturbs
def test_disturbs(): spend("disturbs")

@pytest.mark.feature("svc.clusterip.reach")
@pytest.mark.parametrize("number", range(6))
def test_among_others(number): spend(f"among-{number}")

def spend(name):
    began = time.monotonic()
    time.sleep(0.3)
    Path(f"spent-{name}").write_text(f"{began} {time.monotonic()}")
"""


def test_what_disturbs_others_runs_while_no_other_does(pytester: pytest.Pytester) -> None:
    status, _ = run_cases(pytester, "-n", "3", cases=MEETING)
    spent = {path.name: tuple(map(float, path.read_text().split())) for path in pytester.path.glob("spent-*")}
    began, ended = spent.pop("spent-disturbs")
    assert (status, len(spent)) == (0, 6)
    assert all(end <= began or ended <= begin for begin, end in spent.values())
    times = sorted(spent.values())
    assert any(second[0] < first[1] for first, second in itertools.pairwise(times)), "others do meet"


NOBODY_LOOKED_UP = """
from clusters.controllers.description import describe
from fixtures.controllers import Controller
from fixtures.recipes import behaviour

@pytest.fixture(scope="session")
def controller_on_cluster(): return Controller(description=describe("kong"), address="")

@pytest.fixture(scope="module")
def make_module_namespace(): return None

@pytest.fixture
def client_1(): return None

@behaviour("cors")
def test_is_asked(asked): raise Mismatch("never", "run")

@behaviour("trailing-slash", feature="quirk.trailing-slash", recipe="quirks_by_{api}.yaml")
def test_is_a_quirk(way): pass
"""


def test_what_nobody_has_looked_up_how_to_ask_for_is_skipped_but_a_quirk_is_asked_by_each_api(
    pytester: pytest.Pytester,
) -> None:
    nocluster = CONFTEST.replace('["traefik"]', '["kong"]').replace('dns_address=""', 'dns_address="10.96.0.10"')
    _, results = run_cases(pytester, cases=HEAD + NOBODY_LOOKED_UP, nocluster=nocluster)
    assert {title: result.verdict for title, result in results.items()} == {
        "is asked [by-ingress]": Verdict.SKIPPED,
        "is asked [by-httproute]": Verdict.SKIPPED,
        "is a quirk [by-ingress]": Verdict.PASSED,
        "is a quirk [by-httproute]": Verdict.PASSED,
    }
    result = results["is asked [by-ingress]"]
    assert "nobody has looked up yet how it is asked for this (Ingress); recipes/ in its folder" in result.reason
    assert result.recipe is not None
    assert (result.recipe.title, result.recipe.text) == ("Ingress", "")
