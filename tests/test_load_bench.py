"""The generator's benchmark: turns there and back, ratios with intervals, goals that can be missed."""

from __future__ import annotations

import pytest

from bench import generator
from bench.contenders import Contender, Speed
from bench.generator import Standing, mean_interval, order, ratio_interval


def contender(name: str) -> Contender:
    return Contender(name, lambda served, seconds: Speed(rate=1, client_cpu=1, server_cpu=0))


def test_turns_go_there_and_back_so_that_a_drift_harms_nobody() -> None:
    turns = [one.name for one in order([contender(name) for name in "abc"], rounds=3, seed=1)]
    assert len(turns) == 18
    for start in range(0, 18, 6):
        there = turns[start : start + 3]
        assert sorted(there) == ["a", "b", "c"]
        assert turns[start + 3 : start + 6] == there[::-1]
    assert turns == [one.name for one in order([contender(name) for name in "abc"], rounds=3, seed=1)]


def test_a_ratio_has_an_interval_that_holds_it() -> None:
    ratio, low, high = ratio_interval([200, 220, 210, 190], [100, 105, 110, 95])
    assert low < ratio < high
    assert ratio == pytest.approx(2.0, rel=0.05)
    assert mean_interval([5.0])[1] == float("-inf")


def standings(ours: float, fast: float, wrk: float, again: float) -> dict[str, Standing]:
    def blocks(rate: float) -> tuple[Speed, ...]:
        return tuple(Speed(rate=rate * wobble, client_cpu=0.9, server_cpu=0.5) for wobble in (0.99, 1.0, 1.01, 1.0))

    names = {"roadtest": ours, "FastHttpUser": fast, "wrk": wrk, "roadtest again": again}
    return {name: Standing(name, blocks(rate)) for name, rate in names.items()}


@pytest.mark.parametrize(
    ("rates", "missed"),
    [
        ((90_000, 9_000, 150_000, 90_000), set()),
        ((50_000, 8_000, 90_000, 50_000), {"60,000"}),
        ((65_000, 12_000, 90_000, 65_000), {"FastHttpUser"}),
        ((65_000, 9_000, 150_000, 65_000), {"half of wrk", "half of wrk per CPU second"}),
        ((90_000, 9_000, 150_000, 120_000), {"A/A"}),
    ],
    ids=["all", "slow", "Locust as fast", "wrk faster", "noise"],
)
def test_goals_can_be_missed(rates: tuple[float, float, float, float], missed: set[str]) -> None:
    goals = generator._speed_goals(standings(*rates))
    assert {goal.title for goal in goals if not goal.reached} == {
        goal.title
        for goal in goals
        if any(goal.title.startswith(f"1  {word}") or word in goal.title for word in missed)
    }
