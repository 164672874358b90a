"""A mutant is killed only when the right checks failed, and only they."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from rich.console import Console

from clusters.errors import UsageError
from clusters.provider import Cluster
from conformance import mutants as verb
from conformance.mutants import Verdicts, by_feature, judge, never_failed
from fixtures.catalogue import catalogue
from reports.model import Verdict
from suites.mutants import mutants
from suites.mutants.model import Mutant

PASSED, FAILED, ERROR, UNSUPPORTED = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.UNSUPPORTED
LOCAL, CLUSTER, ADDRESS = (("svc.etp.local", "l"), ("svc.etp.cluster", "c"), ("svc.lb.address", "a"))
BASELINE = {LOCAL: PASSED, CLUSTER: PASSED, ADDRESS: FAILED}
FLIPPED = Mutant(
    name="policy-flipped",
    breaks="externalTrafficPolicy Local has become Cluster.",
    caught_by=("svc.etp.local",),
    scope=("suites/services",),
)


@pytest.mark.parametrize(
    ("mutated", "fate"),
    [
        pytest.param({**BASELINE, LOCAL: FAILED}, "killed", id="the right check failed"),
        pytest.param(BASELINE, "survived", id="nothing failed"),
        pytest.param({**BASELINE, LOCAL: FAILED, CLUSTER: FAILED}, "overreached", id="a bystander failed"),
        pytest.param({**BASELINE, LOCAL: FAILED, ADDRESS: PASSED}, "overreached", id="a bystander healed"),
        pytest.param({**BASELINE, LOCAL: ERROR}, "error", id="the right check crashed"),
        pytest.param({}, "error", id="no check ran"),
    ],
)
def test_fate_follows_from_the_verdicts_with_and_without_the_mutant(mutated: Verdicts, fate: str) -> None:
    assert judge(FLIPPED, "iptables", BASELINE, mutated, 1.0).fate == fate


def test_a_mutant_whose_check_fails_anyway_proves_nothing() -> None:
    baseline = {**BASELINE, LOCAL: FAILED}
    assert judge(FLIPPED, "iptables", baseline, baseline, 1.0).fate == "error"


def test_what_a_controller_does_not_claim_decides_nothing() -> None:
    both = msgspec.structs.replace(FLIPPED, caught_by=("svc.etp.local", "svc.etp.cluster"))
    baseline = {**BASELINE, CLUSTER: UNSUPPORTED}
    trial = judge(both, "iptables", baseline, {**baseline, LOCAL: FAILED}, 1.0)
    assert (trial.fate, trial.caught_by, trial.missed_by) == ("killed", ["svc.etp.local"], [])
    assert trial.unclaimed == ["svc.etp.cluster"]
    assert judge(both, "iptables", baseline, baseline, 1.0).fate == "survived"
    neither = {**baseline, LOCAL: Verdict.SKIPPED}
    assert judge(both, "iptables", neither, neither, 1.0).fate == "unclaimed"


def test_a_feature_that_no_check_asks_for_is_not_taken_for_unclaimed() -> None:
    typo = msgspec.structs.replace(FLIPPED, caught_by=("svc.etp.local", "svc.no-such"))
    assert judge(typo, "iptables", BASELINE, {**BASELINE, LOCAL: FAILED}, 1.0).fate == "error"


def test_a_mutant_of_another_controller_is_left_out_and_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "controller-speaks-no-http-2" not in [mutant.name for mutant in verb.select([], "contour")]
    assert "controller-speaks-no-http-2: left out, it is for traefik alone" in capsys.readouterr().out
    assert [mutant.name for mutant in verb.select(["controller-speaks-no-http-2"], "traefik")]
    with pytest.raises(UsageError, match="break traefik alone, not contour"):
        verb.select(["controller-speaks-no-http-2"], "contour")


def test_each_feature_is_told_with_what_made_it_fail_and_what_did_not() -> None:
    killed = judge(FLIPPED, "iptables", BASELINE, {**BASELINE, LOCAL: FAILED}, 1.0)
    survived = judge(FLIPPED, "nftables", BASELINE, BASELINE, 1.0)
    console = Console(width=120, record=True, file=None)
    with console.capture() as told:
        console.print(by_feature([killed, survived]))
    lines = [line.split("│")[1:-1] for line in told.get().splitlines() if "policy-flipped" in line]
    assert [[word.strip() for word in line] for line in lines] == [
        ["✓ caught", "svc.etp.local", "policy-flipped", "iptables"],
        ["✗ missed", "", "policy-flipped", "nftables"],
    ]
    assert "svc.etp.local" not in never_failed([killed, survived])
    assert "svc.etp.local" in never_failed([survived])


def test_every_feature_of_the_catalogue_has_a_mutant() -> None:
    """But for OpenShift's Routes, which no cluster here serves: they are proved on miniatures."""
    aimed_at = {feature for mutant in mutants().values() for feature in mutant.caught_by}
    assert [name for name, of in catalogue().items() if name not in aimed_at and of.api != "route"] == []


def test_a_run_that_is_ended_keeps_what_it_had_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cast(
        "Cluster", SimpleNamespace(name="c", mode="iptables", families=["IPv4"], provider="embedded", controllers=[])
    )
    first, second = list(mutants().values())[:2]

    def checks(cluster: Cluster, run: Path, *_: object) -> Verdicts:
        if run.name == second.name:
            raise KeyboardInterrupt
        caught = (first.caught_by[0], "a")
        return {caught: FAILED if run.name == first.name else PASSED}

    monkeypatch.setattr(verb.clusters, "load", lambda _: cluster)
    monkeypatch.setattr(verb.cell, "taken", lambda _: cluster)
    monkeypatch.setattr(verb, "checks", checks)
    with pytest.raises(KeyboardInterrupt):
        verb.main(["--run", str(tmp_path), "--cluster", "c", "--controller", "traefik", first.name, second.name])
    assert [trial["mutant"] for trial in msgspec.json.decode((tmp_path / "mutants.json").read_bytes())] == [first.name]


def test_mutants_of_another_mode_are_refused_instead_of_counted_as_none_left() -> None:
    with pytest.raises(UsageError, match=r"nothing to try: affinity-never-ends .* in mode ipvs"):
        verb.main(["--modes", "ipvs", "--controller", "traefik", "affinity-never-ends"])
