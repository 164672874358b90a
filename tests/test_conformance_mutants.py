"""A mutant is killed only when the right checks failed, and only they."""

from __future__ import annotations

import pytest

from conformance.mutants import Verdicts, judge
from reports.model import Verdict
from suites.mutants.model import Mutant

PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR
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
