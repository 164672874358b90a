"""A mutant is killed only when the right checks failed, and only they."""

from __future__ import annotations

import pytest

from conformance.mutants import judge
from reports.model import Verdict
from suites.mutants.model import Mutant

PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR
BASELINE = {"svc.etp.local": PASSED, "svc.etp.cluster": PASSED, "svc.lb.address": FAILED}
FLIPPED = Mutant(
    name="policy-flipped",
    breaks="externalTrafficPolicy Local has become Cluster.",
    caught_by=("svc.etp.local",),
    scope=("suites/services",),
)


@pytest.mark.parametrize(
    ("mutated", "fate"),
    [
        pytest.param({**BASELINE, "svc.etp.local": FAILED}, "killed", id="the right check failed"),
        pytest.param(BASELINE, "survived", id="nothing failed"),
        pytest.param(
            {**BASELINE, "svc.etp.local": FAILED, "svc.etp.cluster": FAILED}, "overreached", id="a bystander failed"
        ),
        pytest.param(
            {**BASELINE, "svc.etp.local": FAILED, "svc.lb.address": PASSED}, "overreached", id="a bystander healed"
        ),
        pytest.param({**BASELINE, "svc.etp.local": ERROR}, "error", id="the right check crashed"),
        pytest.param({}, "error", id="no check ran"),
    ],
)
def test_fate_follows_from_the_verdicts_with_and_without_the_mutant(
    mutated: dict[str, Verdict], fate: str
) -> None:
    assert judge(FLIPPED, "iptables", BASELINE, mutated, 1.0).fate == fate


def test_a_mutant_whose_check_fails_anyway_proves_nothing() -> None:
    baseline = {**BASELINE, "svc.etp.local": FAILED}
    assert judge(FLIPPED, "iptables", baseline, baseline, 1.0).fate == "error"
