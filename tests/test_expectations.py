"""Every judgement passes on what is right and fails, in words one understands, on what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures import expectations as expect
from fixtures.observations import HttpObservation, Outcome
from fixtures.statistics import share
from fixtures.verdicts import Mismatch


def seen(
    body: str = "pod-a", status: int = 200, outcome: Outcome = Outcome.ANSWERED, seconds: float = 0.001
) -> HttpObservation:
    return HttpObservation(
        vantage="client-1",
        target="http://10.0.0.1/",
        at=0.0,
        seconds=seconds,
        outcome=outcome,
        status=status if outcome is Outcome.ANSWERED else 0,
        body=body if outcome is Outcome.ANSWERED else "",
    )


TIMED_OUT, REFUSED = seen(outcome=Outcome.TIMEOUT), seen(outcome=Outcome.REFUSED)

RIGHT: dict[str, Callable[[], object]] = {
    "all answered": lambda: expect.all_answered([seen()]),
    "none answered": lambda: expect.none_answered([TIMED_OUT], outcomes={Outcome.TIMEOUT}),
    "refused at once": lambda: expect.refused_quickly([REFUSED]),
    "exactly these pods": lambda: expect.answered_by([seen("a"), seen("b"), seen("a")], ["a", "b"]),
    "exactly these sources": lambda: expect.sources_are([seen("172.30.0.101:4242")], {"172.30.0.101"}),
    "equal": lambda: expect.equal("the port", 80, 80),
    "a share": lambda: expect.statistics_hold(share(100, 1000, 0.1), "a tenth"),
}
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "one was not answered": (lambda: expect.all_answered([seen(), TIMED_OUT]), "1 × timeout"),
    "one had another status": (lambda: expect.all_answered([seen(), seen(status=503)]), "1 × 503"),
    "one was answered": (lambda: expect.none_answered([TIMED_OUT, seen()]), "1 × answered"),
    "refused instead of dropped": (
        lambda: expect.none_answered([REFUSED], outcomes={Outcome.TIMEOUT}),
        "to end in timeout",
    ),
    "dropped instead of refused": (lambda: expect.refused_quickly([TIMED_OUT]), "1 × timeout"),
    "refused too late": (
        lambda: expect.refused_quickly([seen(outcome=Outcome.REFUSED, seconds=3.0)]),
        "it took 3.00 s",
    ),
    "a pod left out": (lambda: expect.answered_by([seen("a")], ["a", "b"]), "none from b"),
    "a stranger": (lambda: expect.answered_by([seen("a"), seen("x")], ["a"]), "answers from a, x"),
    "another source": (lambda: expect.sources_are([seen("172.30.0.11:4242")], {"172.30.0.101"}), "1 × 172.30.0.11"),
    "a source left out": (lambda: expect.sources_are([seen("10.0.0.1:1")], {"10.0.0.1", "10.0.0.2"}), "10.0.0.1"),
    "not equal": (lambda: expect.equal("the port", 80, 81), "to be 80"),
    "not so": (lambda: expect.holds(False, "the rule to be there", "it is not"), "it is not"),
    "another share": (lambda: expect.statistics_hold(share(200, 1000, 0.1), "a tenth"), "alpha = 0.0001"),
}


@pytest.mark.parametrize("judge", RIGHT.values(), ids=RIGHT.keys())
def test_right_observations_pass(judge: Callable[[], object]) -> None:
    judge()


@pytest.mark.parametrize(("judge", "told"), WRONG.values(), ids=WRONG.keys())
def test_wrong_observations_fail_and_say_why(judge: Callable[[], object], told: str) -> None:
    with pytest.raises(Mismatch) as failure:
        judge()
    assert told in f"{failure.value.expected} / {failure.value.observed}"


@pytest.mark.parametrize("judge", [expect.all_answered, expect.none_answered])
def test_no_observation_is_no_verdict(judge: Callable[[list[HttpObservation]], object]) -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        judge([])
