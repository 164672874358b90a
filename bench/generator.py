"""Is the generator honest and fast? Goals 1 to 4 of the load method, each measured and judged.

1. Speed: 60,000 requests/s on one core inside Locust, 6 times FastHttpUser, half of wrk. Contenders take turns, there
   and back (A B B A), with ourselves among them twice: a difference between the two is the noise of this machine.
2. A server stopped for 1 s in 10 s at 1,000/s: p95, p99 and p99.9 within 2 % of 0.50, 0.90 and 0.99 s.
3. Added server delays of 50, 100 and 200 µs recovered within 2 µs at p50.
4. Poisson at 20,000/s: rate within 0.1 %, p99 send lag at most 100 µs.
"""

from __future__ import annotations

import math
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from bench.contenders import Contender, Speed, contenders, plan
from bench.targets import Served, python_server, static_server
from loadprofiles.carrier import carry
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Measurement


@dataclass(frozen=True)
class Goal:
    """A stated aim, what was found, and whether it was reached."""

    title: str
    found: str
    reached: bool


@dataclass(frozen=True)
class Standing:
    """A contender's blocks together."""

    name: str
    speeds: tuple[Speed, ...]

    @property
    def rate(self) -> tuple[float, float, float]:
        """Requests per second: mean, low, high."""
        return mean_interval([speed.rate for speed in self.speeds])

    @property
    def per_core(self) -> list[float]:
        """Requests per second of client CPU time: what a core carries when the server does not hold it back."""
        return [speed.rate / speed.client_cpu for speed in self.speeds if speed.client_cpu > 0]

    @property
    def server_cpu(self) -> float:
        return sum(speed.server_cpu for speed in self.speeds) / len(self.speeds)

    @property
    def client_cpu(self) -> float:
        return sum(speed.client_cpu for speed in self.speeds) / len(self.speeds)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean with Student's interval, blocks being the unit."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, -math.inf, math.inf
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    reach = float(special.stdtrit(len(values) - 1, (1 + confidence) / 2)) * deviation / math.sqrt(len(values))
    return mean, mean - reach, mean + reach


def ratio_interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Ratio of paired blocks: geometric mean with Student's interval on its logarithm."""
    mean, low, high = mean_interval([math.log(a / b) for a, b in zip(ours, theirs, strict=True)])
    return math.exp(mean), math.exp(low), math.exp(high)


def order(names: list[Contender], rounds: int, seed: int) -> list[Contender]:
    """Turns: every round a new random order, there and back."""
    shuffled = random.Random(seed)  # noqa: S311  (an order of turns, no secret)
    turns: list[Contender] = []
    for _ in range(rounds):
        there = names.copy()
        shuffled.shuffle(there)
        turns += there + there[::-1]
    return turns


def speed(core: int, rounds: int, seconds: float, seed: int) -> tuple[Served, list[Standing], list[Goal]]:
    """Goal 1."""
    everyone = contenders()
    blocks: dict[str, list[Speed]] = {contender.name: [] for contender in everyone}
    with static_server(core) as served:
        for contender in order(everyone, rounds, seed):
            blocks[contender.name].append(contender.run(served, seconds))
    standings = {name: Standing(name, tuple(speeds)) for name, speeds in blocks.items()}
    return served, list(standings.values()), _speed_goals(standings)


def _speed_goals(standings: dict[str, Standing]) -> list[Goal]:
    ours = standings["roadtest"]
    rates = [block.rate for block in ours.speeds]
    mean, low, high = ours.rate
    goals = [
        Goal(
            "1  60,000 requests/s on one core inside Locust",
            f"{mean:,.0f} [{max(low, 0):,.0f}, {high:,.0f}]",
            low >= 60_000,
        )
    ]
    times, low, high = ratio_interval(rates, [block.rate for block in standings["FastHttpUser"].speeds])
    goals.append(Goal("1  6 times FastHttpUser", f"{times:.1f} [{low:.1f}, {high:.1f}]", low >= 6))
    if "wrk" in standings:
        wrk = standings["wrk"]
        times, low, high = ratio_interval(rates, [block.rate for block in wrk.speeds])
        goals.append(Goal("1  half of wrk", f"{times:.2f} [{low:.2f}, {high:.2f}]", low >= 0.5))
        times, low, high = ratio_interval(ours.per_core, wrk.per_core)
        goals.append(Goal("1  half of wrk per CPU second", f"{times:.2f} [{low:.2f}, {high:.2f}]", low >= 0.5))
    times, low, high = ratio_interval(rates, [block.rate for block in standings["roadtest again"].speeds])
    goals.append(
        Goal("1  A/A: within 10 % of ourselves", f"{times:.3f} [{low:.3f}, {high:.3f}]", 0.9 <= low <= 1 <= high <= 1.1)
    )
    return goals


def stopped_server(core: int) -> list[Goal]:
    """Goal 2."""
    with python_server(core) as served:
        began = threading.Event()

        def stop() -> None:
            # Any second of the measured ten will do: wait until requests have come for some seconds, then stop it.
            first = served.cpu_seconds
            while served.process.num_fds() < 6 and not began.wait(0.05):
                pass
            began.wait(5.0)
            if not began.is_set() and served.cpu_seconds > first:
                served.process.send_signal(signal.SIGSTOP)
                time.sleep(1.0)
                served.process.send_signal(signal.SIGCONT)

        stopper = threading.Thread(target=stop)
        stopper.start()
        try:
            settings = {"shape": "arrival-rate", "arrivals": "constant", "rate": 1000.0, "users": 1}
            measured = carry(plan(served.port, seconds=10.0, **settings))
        finally:
            began.set()
            served.process.send_signal(signal.SIGCONT)
            stopper.join()
    whole = _latency(measured)
    goals = []
    for name, share, wanted in (("p95", 0.95, 0.50), ("p99", 0.99, 0.90), ("p99.9", 0.999, 0.99)):
        found = whole.quantile(share)
        reached = abs(found / wanted - 1) <= 0.02 and not measured.errors
        goals.append(Goal(f"2  1 s stop: {name} within 2 % of {wanted:.2f} s", f"{found:.4f} s", reached))
    return goals


def added_delays(core: int, rounds: int, seconds: float) -> list[Goal]:
    """Goal 3: each delay beside no delay, there and back."""
    delays = [0, 50, 100, 200]
    found: dict[int, list[float]] = {delay: [] for delay in delays}
    for _ in range(rounds):
        for delay in delays + delays[::-1]:
            with python_server(core, delay) as served:
                settings = {"shape": "arrival-rate", "arrivals": "constant", "rate": 2000.0, "users": 1}
                measured = carry(plan(served.port, seconds=seconds, warmup_seconds=0.5, **settings))
                found[delay].append(_latency(measured).quantile(0.5) * 1e6)
    goals = []
    for delay in delays[1:]:
        added, low, high = mean_interval([a - b for a, b in zip(found[delay], found[0], strict=True)])
        told = f"{added:.1f} [{low:.1f}, {high:.1f}] µs"
        goals.append(Goal(f"3  added {delay} µs recovered within 2 µs at p50", told, abs(added - delay) <= 2))
    return goals


def poisson(core: int, rounds: int, seconds: float) -> list[Goal]:
    """Goal 4."""
    rates, lags = [], []
    with static_server(core) as served:
        for seed in range(rounds):
            settings = {"shape": "arrival-rate", "arrivals": "poisson", "rate": 20_000.0, "users": 1, "seed": seed}
            measured = carry(plan(served.port, seconds=seconds, **settings))
            rates.append(sum(measured.completions) / measured.seconds)
            lags.append(Histogram.decode(measured.lag).quantile(0.99) * 1e6)
    rate, low, high = mean_interval(rates)
    lag, lag_low, lag_high = mean_interval(lags)
    return [
        Goal(
            "4  Poisson 20,000/s: rate within 0.1 %",
            f"{rate:,.1f} [{low:,.1f}, {high:,.1f}]/s",
            all(abs(rate / 20_000 - 1) <= 0.001 for rate in rates),
        ),
        Goal(
            "4  Poisson 20,000/s: p99 send lag at most 100 µs",
            f"{lag:.0f} [{max(lag_low, 0):.0f}, {lag_high:.0f}] µs",
            lag <= 100,
        ),
    ]


def _latency(measured: Measurement) -> Histogram:
    return merged(map(Histogram.decode, measured.latency))
