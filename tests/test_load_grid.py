"""A grid's figures: the same as one process's, and void as soon as one worker's part is missing or not to be used."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from clusters.errors import MachineError, RoadtestError, UsageError
from clusters.provider import Place
from conformance import cell
from conformance.options import parse
from loadprofiles import grid, running
from loadprofiles.__main__ import main
from loadprofiles.carrier import GeneratorError, TooFewWorkersError
from loadprofiles.engine import validity
from loadprofiles.engine.clock import Clock
from loadprofiles.engine.gathering import gather
from loadprofiles.engine.histogram import Histogram
from loadprofiles.engine.open_loop import OpenLoop
from loadprofiles.engine.plan import Measurement, Plan, share
from loadprofiles.engine.recorder import Recorder
from loadprofiles.profile import Profile, chosen
from tests.miniatures.cluster import a_cluster
from tests.test_load_engine import a_plan

BLOCKS = 4
MICROSECOND = 1e-6


def a_part(
    latencies: list[list[int]], lags: list[int], errors: dict[str, int] | None = None, **changes: Any
) -> Measurement:
    """What a worker measured: microseconds, block by block."""
    blocks = [Histogram() for _ in latencies]
    for block, values in zip(blocks, latencies, strict=True):
        block.record([value * MICROSECOND for value in values])
    lag = Histogram()
    lag.record([value * MICROSECOND for value in lags])
    answered, failed = sum(map(len, latencies)), sum((errors or {}).values())
    told: dict[str, Any] = {
        "seconds": 10.0,
        "requests": answered + failed,
        "answered": answered,
        "errors": errors or {},
        "latency": [block.encode() for block in blocks],
        "completions": [len(values) for values in latencies],
        "lag": lag.encode(),
        "begun_total": answered + failed,
        "ended_total": answered + failed,
        "connections": 1,
        "cpu_share": 0.1,
        "steal_share": 0.0,
    }
    return Measurement(**(told | changes))


def the_plan(parts: list[Measurement]) -> Plan:
    """A plan that these parts are the whole load of."""
    requests = sum(part.requests for part in parts)
    return a_plan(1, users=len(parts), processes=len(parts), seconds=10.0, rate=requests / 10.0, blocks=BLOCKS)


def gathered(parts: list[Measurement], clocks: dict[str, Clock] | None = None, **changes: Any) -> Measurement:
    parts = [msgspec.structs.replace(part, users=[user]) for user, part in enumerate(parts)]
    plan = msgspec.structs.replace(the_plan(parts), **changes)
    return gather(plan, {f"w{number}": part for number, part in enumerate(parts)}, clocks or {})


workers = st.lists(
    st.tuples(
        st.lists(st.lists(st.integers(0, 5_000_000), max_size=20), min_size=BLOCKS, max_size=BLOCKS),
        st.lists(st.integers(0, 100_000), max_size=20),
        st.dictionaries(st.sampled_from(["reset", "timeout", "bad-status"]), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(workers)
def test_the_whole_is_what_one_process_would_have_recorded(
    measured: list[tuple[list[list[int]], list[int], dict[str, int]]],
) -> None:
    parts = [a_part(*part) for part in measured]
    errors = Counter[str]()
    for _, _, failed in measured:
        errors.update(failed)
    one = a_part(
        [[value for latencies, _, _ in measured for value in latencies[block]] for block in range(BLOCKS)],
        [value for _, lags, _ in measured for value in lags],
        dict(errors),
    )
    whole = gathered(parts)
    assert (whole.latency, whole.lag, whole.completions) == (one.latency, one.lag, one.completions)
    assert (whole.requests, whole.answered, whole.errors) == (one.requests, one.answered, one.errors)
    assert whole.requests == whole.answered + sum(whole.errors.values())
    assert whole.trouble == ""


def test_a_worker_that_is_left_out_is_noticed() -> None:
    parts = [a_part([[100]] * BLOCKS, [1]) for _ in range(3)]
    plan = the_plan(parts)
    parts = [msgspec.structs.replace(part, users=[user]) for user, part in enumerate(parts)]
    whole = gather(plan, {"a": parts[0], "b": parts[2]}, {})
    assert "user 1 0 times" in validity.void(plan, whole)


def test_two_workers_that_sent_the_same_part_are_noticed() -> None:
    parts = [a_part([[100]] * BLOCKS, [1]) for _ in range(2)]
    whole = gather(the_plan(parts), {name: msgspec.structs.replace(parts[0], users=[0]) for name in "ab"}, {})
    assert "user 0 2 times, user 1 0 times" in validity.void(the_plan(parts), whole)


def test_requests_that_no_worker_sent_are_noticed() -> None:
    parts = [a_part([[100] * 10] * BLOCKS, [1]) for _ in range(2)]
    assert "100 requests were planned and 80 are in the figures" in gathered(parts, rate=10.0).trouble


def shares(users: int, workers: int) -> list[tuple[int, ...]]:
    return [share(users, place, workers) for place in range(workers)]


def by_index(users: int, workers: int) -> list[tuple[int, ...]]:
    """The wrong way: Locust's worker index times this worker's own number of users."""
    dealt = [len(share) for share in shares(users, workers)]
    return [tuple(range(place * mine, place * mine + mine)) for place, mine in enumerate(dealt)]


def schedule(plan: Plan, streams: tuple[int, ...]) -> Any:
    return OpenLoop(plan, Recorder(plan), lambda: None, streams).offsets


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
@pytest.mark.parametrize(("users", "workers"), [(1, 1), (4, 2), (5, 3), (7, 7), (9, 4)])
def test_workers_together_send_the_whole_schedule_once(arrivals: str, users: int, workers: int) -> None:
    plan = a_plan(1, users=users, processes=workers, arrivals=arrivals, rate=900.0, seconds=1.0, warmup_seconds=0.5)
    together = np.sort(np.concatenate([schedule(plan, share) for share in shares(users, workers)]))
    assert np.array_equal(together, schedule(plan, tuple(range(users))))
    assert ((together >= 0.5) & (together < 1.5)).sum() == 900


def test_a_share_by_locust_s_index_would_send_some_twice_and_some_never() -> None:
    plan = a_plan(1, users=5, processes=3, arrivals="poisson", rate=900.0, seconds=1.0, warmup_seconds=0.5)
    together = np.sort(np.concatenate([schedule(plan, share) for share in by_index(5, 3)]))
    assert not np.array_equal(together, schedule(plan, tuple(range(5))))


def test_one_late_worker_of_four_is_not_hidden_by_the_others() -> None:
    prompt, late = ([[1000] * 250] * BLOCKS, [5] * 1000), ([[1000] * 250] * BLOCKS, [150] * 1000)
    assert validity.void(a_plan(1), gathered([a_part(*prompt)] * 4)) == ""
    whole = gathered([a_part(*prompt), a_part(*late), a_part(*prompt), a_part(*prompt)])
    assert validity.void(a_plan(1), msgspec.structs.replace(whole, doubt="")) == ""  # in the sum it hides
    assert validity.void(a_plan(1), whole).startswith("w1: the generator lagged: median send lag 150 µs")


@pytest.mark.parametrize(
    ("condition", "told"),
    [({"steal_share": 0.2}, "stolen"), ({"errors": {"ports-exhausted": 1}, "requests": 5}, "ports-exhausted")],
    ids=["a stealing host", "a worker without ports"],
)
def test_one_bad_machine_voids_the_whole(condition: dict[str, Any], told: str) -> None:
    good = a_part([[1000]] * BLOCKS, [5] * 4)
    bad = msgspec.structs.replace(good, **condition)
    assert told in validity.void(a_plan(1), gathered([good, good, bad]))


def test_a_clock_that_is_hours_ahead_does_not_set_starts_apart() -> None:
    clock = Clock()
    clock.answered(asked=10.0, shows=7210.5, now=10.8)  # slow ways there and back say little
    clock.answered(asked=20.0, shows=7220.001, now=20.002)
    clock.answered(asked=30.0, shows=7230.9, now=31.0)
    assert clock.ahead == pytest.approx(7200.0)
    assert clock.reach == pytest.approx(0.001)
    parts = [a_part([[1000]] * BLOCKS, [5] * 4, started=start) for start in (100.0, 7300.004)]
    here = Clock()
    here.answered(asked=1.0, shows=1.0, now=1.0)
    together = gathered(parts, {"w0": here, "w1": clock})
    assert together.start_spread == pytest.approx(0.004)
    assert together.conditions["workers started"] == "within 4.00 ms, known to ±1.00 ms"
    assert validity.void(a_plan(1, seconds=10.0), together) == ""
    assert "the workers started 7200.004 s apart" in validity.void(a_plan(1, seconds=10.0), gathered(parts))


def test_each_worker_is_told_with_its_machine() -> None:
    machines = [{"kernel": "6.1", "cores": "4"}, {"kernel": "6.8", "cores": "4"}]
    whole = gathered([a_part([[1000]] * BLOCKS, [5] * 4, conditions=machine) for machine in machines])
    assert (whole.conditions["kernel"], whole.conditions["cores"]) == ("6.1; 6.8", "4")
    assert whole.conditions["worker 2"].startswith("w1, 4 requests, send lag p99 5 µs, CPU 10% of a core")
    assert "kernel 6.8" in whole.conditions["worker 2"]


RUN = ["run", "--cluster", "none", "--run", "runs/none", "--cell", "none"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--grid", "192.0.2.1:5557"], "no number was given. Say how many: --workers N."),
        (["--grid", "192.0.2.1:5557", "--workers", "0"], "A grid has 1 to 256 workers, not 0."),
        (["--grid", "192.0.2.1:5557", "--workers", "1000"], "not 1000."),
        (["--workers", "3"], "--workers is for a grid."),
        (["--grid", "192.0.2.1", "--workers", "3"], "is no IPv4 address and port."),
        (["--grid", "master:5557", "--workers", "3"], "is no IPv4 address and port."),
        (["--grid", "192.0.2.1:70000", "--workers", "3"], "has no port from 1 to 65535."),
        (["--grid", "processes", "--workers", "3", "--grid-wait", "0"], "cannot wait 0 s for its workers."),
        (["--grid", "processes", "--workers", "3", "--grid-image", "a:1"], "--grid-image is for a grid of pods."),
        (["--grid-image", "a:1"], "--grid-image is for a grid of pods."),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, *typed]) == 2
    assert told in capsys.readouterr().err


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def free_port() -> int:
    with taken_port() as port:
        return port


def test_a_master_that_cannot_listen_says_so_before_anything_is_made() -> None:
    with taken_port() as port, pytest.raises(MachineError, match=f"Port {port} of 127.0.0.1 is taken"):
        grid.settled(grid.Grid(workers=2, address="127.0.0.1", port=port), a_cluster())
    with pytest.raises(MachineError, match=r"192\.0\.2\.1 is no address of this machine"):
        grid.settled(grid.Grid(workers=2, address="192.0.2.1", port=5557), a_cluster())
    assert grid.settled(grid.Grid(workers=2, address="127.0.0.1", port=free_port()), a_cluster()).netns == ""


def test_the_master_of_a_closed_cluster_listens_on_one_of_its_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Place(name="client-1", role="client", address="127.0.0.1", netns="/proc/self/ns/net")
    with pytest.raises(UsageError, match=r"has no way in.*127\.0\.0\.1 \(client-1\)"):
        grid.settled(grid.Grid(workers=2, address="192.0.2.1", port=5557), a_cluster(clients=[client]))
    monkeypatch.setattr("loadprofiles.grid._must_be_free", lambda *_: None)
    settled = grid.settled(grid.Grid(workers=2, address="127.0.0.1", port=5557), a_cluster(clients=[client]))
    assert settled.netns == "/proc/self/ns/net"
    assert settled.joining.endswith("shell c --at HOST -- ./noxw -s worker -- --master 127.0.0.1:5557")


def test_pods_that_would_have_to_find_each_other_over_ipv6_are_refused() -> None:
    pods = grid.Grid(workers=2, pods=True)
    with pytest.raises(UsageError, match=r"A grid speaks IPv4, and the first IP family of cluster c is IPv6\. Leave"):
        grid.settled(pods, a_cluster(families=["IPv6", "IPv4"]))
    assert grid.settled(pods, a_cluster(families=["IPv4", "IPv6"])) is pods


def test_no_master_within_the_time_is_an_error_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--master", f"127.0.0.1:{free_port()}", "--wait", "0.1"]) == 2
    assert "within 0.1 s (Connection refused). Start it: ./noxw -s load -- --grid" in capsys.readouterr().err


def test_a_wrong_word_for_the_master_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--master", "somewhere"]) == 2
    assert "--master 'somewhere' is no IPv4 address and port." in capsys.readouterr().err


LOAD = ["--run", "runs/x", "--mode", "nftables", "--controller", "traefik"]


def test_what_is_typed_of_a_grid_reaches_the_load() -> None:
    typed = ["--grid", "192.0.2.1:5557", "--workers", "4", "--grid-wait", "30"]
    command = cell.load_command(parse("load", [*LOAD, *typed]), a_cluster())
    assert command[-6:] == typed
    typed = ["--grid", "pods", "--workers", "4", "--grid-wait", "120", "--grid-image", "registry.example/load:1"]
    assert cell.load_command(parse("load", [*LOAD, *typed]), a_cluster())[-8:] == typed
    assert not {"--grid", "--workers"} & set(cell.load_command(parse("load", LOAD), a_cluster()))
    with pytest.raises(UsageError, match="not 0"):
        parse("load", [*LOAD, "--grid", "pods", "--workers", "0"])


@pytest.mark.parametrize(
    ("error", "tried"),
    [(TooFewWorkersError("2 of 4 workers came."), 1), (GeneratorError("It ended."), 2)],
    ids=["nobody comes to the next load either", "the next load may go well"],
)
def test_without_its_workers_a_run_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, error: RoadtestError, tried: int
) -> None:
    measured: list[str] = []

    def measure(profile: Profile, *_: Any, **__: Any) -> list[Any]:
        measured.append(profile.name)
        raise error

    monkeypatch.setattr("clusters.load", lambda _: a_cluster())
    monkeypatch.setattr(running, "backend", lambda *_, **__: nullcontext())
    monkeypatch.setattr(running, "_measure", measure)
    asked = running.Asked(
        cluster="c",
        run=Path("runs/x"),
        cell="iptables",
        profiles=chosen(["nodeport-per-request", "clusterip-per-request"]),
        named=True,
        grid=grid.Grid(workers=4, address="127.0.0.1", port=free_port()),
    )
    with pytest.raises(RoadtestError):
        running.run(asked, Console(quiet=True))
    assert len(measured) == tried


@pytest.mark.parametrize(
    ("where", "passed_over"),
    [
        (grid.Grid(workers=2), []),
        (grid.Grid(workers=2, pods=True), ["nodeport-per-request"]),
        (grid.Grid(workers=2, address="127.0.0.1"), ["clusterip-per-request"]),
    ],
    ids=["processes", "pods", "other machines"],
)
def test_a_grid_sends_what_is_sent_from_where_its_workers_stand(where: grid.Grid, passed_over: list[str]) -> None:
    profiles = chosen(["clusterip-per-request", "nodeport-per-request"])
    assert [profile.name for profile in profiles if not where.sends(profile.vantage)] == passed_over
