"""Waiting ends when something holds steadily, and tells all when it never does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures import convergence, timeouts
from fixtures.convergence import await_value, converge, never, remains
from fixtures.observations import Observation, Outcome
from fixtures.timeouts import Timeout
from fixtures.verdicts import Mismatch


@pytest.fixture(autouse=True)
def _hurry() -> Iterator[None]:
    timeouts.stretch(0.01)
    yield
    timeouts.stretch(1.0)


def observations(*outcomes: Outcome) -> Iterator[list[Observation]]:
    for number, outcome in enumerate([*outcomes, *[outcomes[-1]] * 10_000]):
        yield [
            Observation(vantage="v", target="t", at=float(number), seconds=0.0, outcome=outcome, detail=f"try {number}")
        ]


def answered(seen: object) -> bool:
    return bool(seen) and all(one.answered for one in seen)  # type: ignore[attr-defined]


def test_a_row_of_successes_that_breaks_starts_again() -> None:
    good, bad = Outcome.ANSWERED, Outcome.REFUSED
    looks = observations(good, good, bad, good, good, good)
    (last,) = converge(lambda: next(looks), answered, what="answers", successes=3, every=0)
    assert last.at == 5.0


def test_what_never_converges_is_a_mismatch_with_its_attempts() -> None:
    looks = observations(Outcome.REFUSED)
    with pytest.raises(Mismatch) as failure:
        converge(lambda: next(looks), answered, what="the port to answer", every=0)
    assert "the port to answer, 3 times in a row within 0.2 s (DATA_PATH)" in failure.value.expected
    assert "refused" in failure.value.observed
    assert len(failure.value.attempts) == 20


def test_what_is_forbidden_is_caught_within_the_window() -> None:
    looks = observations(Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.ANSWERED)
    with pytest.raises(Mismatch, match="no answer, over 5 s"):
        never(lambda: next(looks), answered, what="no answer", window=5)


class Clock:
    """Time that goes on only while somebody sleeps, so that no busy machine can change what is counted."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_what_never_happens_passes_after_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(convergence, "time", clock)
    looks = observations(Outcome.TIMEOUT)
    assert len(never(lambda: next(looks), answered, what="no answer", window=1.02)) == 22
    assert clock.now > 1.02


def test_a_value_is_awaited_and_told_when_it_stays_wrong() -> None:
    values = iter(["", "", "172.30.0.200"])
    assert await_value(lambda: next(values), bool, what="an address", every=0) == "172.30.0.200"
    with pytest.raises(Mismatch, match="still 'pending'"):
        await_value(lambda: "pending", lambda value: value != "pending", what="an address", timeout=Timeout.ADDRESS)


def test_a_value_that_remains_is_read_until_the_window_ends() -> None:
    reads = iter(["", "", "", *[""] * 10_000])
    remains(lambda: next(reads), "", what="the address", window=0.02, every=0)


def test_a_value_that_changes_within_the_window_is_a_mismatch() -> None:
    reads = iter(["", "", "172.30.0.200"])
    with pytest.raises(Mismatch, match=r"the address to stay '' for 10 s.*172\.30\.0\.200"):
        remains(lambda: next(reads), "", what="the address", window=10, every=0)
