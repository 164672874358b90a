"""The engine against right and wrong servers: every request accounted for, errors told apart, stalls not hidden."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import msgspec
import pytest

from clusters.errors import UsageError
from loadprofiles.engine import kinds, measurement, validity
from loadprofiles.engine import loop as loops
from loadprofiles.engine.closed_loop import ClosedLoop
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.loop import Loop
from loadprofiles.engine.open_loop import OpenLoop
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.engine.recorder import Recorder
from tests.load_servers import STALL_SECONDS, server


@pytest.fixture(scope="module")
def ports() -> Iterator[Callable[[str], int]]:
    """The port of a server that behaves so; each behaviour's server is started once."""
    with ExitStack() as running:
        yield cache(lambda behaviour: running.enter_context(server(behaviour)))


def a_plan(port: int, **changes: Any) -> Plan:
    settings: dict[str, Any] = {
        "name": "test",
        "address": "127.0.0.1",
        "port": port,
        "request": "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
        "shape": "arrival-rate",
        "arrivals": "constant",
        "rate": 800.0,
        "keep_alive": True,
        "warmup_seconds": 0.05,
        "seconds": 0.1,
        "timeout_seconds": 3.0,
    }
    return Plan(**(settings | changes))


def measure(plan: Plan, breathe: Callable[[], object] = lambda: None) -> tuple[Measurement, Loop]:
    recorder = Recorder(plan)
    loop = (ClosedLoop if plan.shape == "saturation" else OpenLoop)(plan, recorder, breathe)
    loop.run()
    measured = measurement.of(loop, {})
    return msgspec.structs.replace(measured, steal_share=0.0), loop  # whatever this machine's host takes meanwhile


def latency(measured: Measurement) -> Histogram:
    return merged(map(Histogram.decode, measured.latency))


@pytest.mark.parametrize("behaviour", ["good", "chunked", "in-pieces"])
@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "per-request"])
def test_every_request_of_a_right_server_is_answered(
    ports: Callable[[str], int], behaviour: str, keep_alive: bool
) -> None:
    measured, loop = measure(a_plan(ports(behaviour), keep_alive=keep_alive))
    assert (measured.requests, measured.answered, measured.errors) == (80, 80, {})
    assert measured.begun_total == measured.ended_total == 120
    assert sum(measured.completions) <= 120
    assert loop.opened == 120 if not keep_alive else loop.opened <= 120
    assert measured.trouble == ""


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "per-request"])
def test_connections_are_kept_or_opened_as_the_plan_says(ports: Callable[[str], int], keep_alive: bool) -> None:
    measured, loop = measure(a_plan(ports("good"), shape="saturation", users=4, keep_alive=keep_alive))
    assert loop.opened == (4 if keep_alive else measured.begun_total)
    assert measured.begun_total > 8


WRONG = {
    "silent": kinds.TIMEOUT,
    "reset": kinds.RESET,
    "short-body": kinds.SHORT_BODY,
    "short-head": kinds.SHORT_BODY,
    "unavailable": kinds.BAD_STATUS,
    "too-long": kinds.BAD_RESPONSE,
    "garbage": kinds.BAD_RESPONSE,
}


@pytest.mark.parametrize("shape", ["arrival-rate", "saturation"])
@pytest.mark.parametrize("behaviour", WRONG)
def test_a_wrong_server_s_errors_are_told_apart(ports: Callable[[str], int], behaviour: str, shape: str) -> None:
    closed = {"users": 4, "seconds": 0.3} if shape == "saturation" else {}
    soon = {"timeout_seconds": 0.05} if behaviour == "silent" else {}
    measured, _ = measure(a_plan(ports(behaviour), shape=shape, **closed, **soon))
    assert measured.answered == 0
    assert measured.errors.keys() == {WRONG[behaviour]}
    assert measured.begun_total == measured.ended_total
    assert measured.statuses == ({"503": measured.requests} if behaviour == "unavailable" else {})
    if shape == "arrival-rate":
        assert measured.requests == 80


def test_a_closed_port_is_refused() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        measured, _ = measure(a_plan(unheard.getsockname()[1]))
    assert measured.errors == {kinds.REFUSED: 80}


def test_a_response_that_ends_with_its_connection_is_an_answer(ports: Callable[[str], int]) -> None:
    measured, loop = measure(a_plan(ports("until-close")))
    assert (measured.answered, measured.errors, loop.opened) == (80, {}, 120)


@pytest.mark.parametrize("shape", ["arrival-rate", "saturation"])
def test_accounting_is_exact_when_some_fail(shape: str) -> None:
    """The server answers a connection's first request and resets its second."""
    users = 4 if shape == "saturation" else 1
    with server("sometimes-reset") as port:
        measured, _ = measure(
            a_plan(port, shape=shape, users=users, rate=1600.0, max_connections=4, warmup_seconds=0.0, seconds=0.3)
        )
    assert measured.errors[kinds.RESET] > 0
    assert measured.answered > 0
    assert measured.requests == measured.answered + sum(measured.errors.values())
    assert measured.begun_total == measured.ended_total
    if shape == "arrival-rate":
        assert measured.requests == 480


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EADDRNOTAVAIL, kinds.PORTS_EXHAUSTED),
        (errno.EHOSTUNREACH, kinds.UNREACHABLE),
        (errno.ENETUNREACH, kinds.UNREACHABLE),
        (errno.EACCES, kinds.GENERATOR),
    ],
    ids=["ports", "host", "network", "other"],
)
def test_what_the_kernel_says_of_a_connect(monkeypatch: pytest.MonkeyPatch, code: int, kind: str) -> None:
    class NoSocket:
        def connect_ex(self, _: object) -> int:
            return code

    class Fake(loops.Connection):
        def __init__(self, family: int) -> None:
            super().__init__(family)
            self.socket.close()
            self.close = lambda: None
            self.socket = NoSocket()  # type: ignore[assignment]

    monkeypatch.setattr(loops, "Connection", Fake)
    plan = a_plan(1)
    measured, _ = measure(plan)
    assert measured.errors == {kind: 80}
    assert bool(validity.void(plan, measured)) == (kind in kinds.OURS)


def test_a_stall_shows_in_an_open_load_and_hides_in_a_closed_one() -> None:
    """Coordinated omission: for 0.3 of 1.2 s a quarter of all users wait; a closed load asks one of them."""
    times = {"warmup_seconds": 0.1, "seconds": 1.2, "timeout_seconds": 2.0}
    with server("stalling") as port:
        opened, _ = measure(a_plan(port, rate=500.0, **times))
    with server("stalling") as port:
        closed, _ = measure(a_plan(port, shape="saturation", users=1, rate=0.0, **times))
    assert opened.requests == opened.answered == 600
    assert latency(opened).quantile(0.99) > STALL_SECONDS * 0.9
    assert latency(opened).quantile(0.90) > STALL_SECONDS * 0.5
    assert latency(closed).largest > STALL_SECONDS * 0.9
    assert latency(closed).quantile(0.90) < STALL_SECONDS * 0.5


def test_requests_that_find_no_connection_wait_and_count_from_when_they_were_due() -> None:
    with server("stalling") as port:
        measured, loop = measure(
            a_plan(port, rate=500.0, max_connections=5, warmup_seconds=0.1, seconds=1.2, timeout_seconds=2.0)
        )
    assert loop.opened == 5
    assert measured.waited > 100
    assert measured.requests == measured.answered == 600
    assert latency(measured).quantile(0.99) > STALL_SECONDS * 0.9


def test_no_connection_until_the_time_out_is_an_error_of_its_own(ports: Callable[[str], int]) -> None:
    measured, _ = measure(a_plan(ports("silent"), max_connections=5, timeout_seconds=0.2, warmup_seconds=0.0))
    assert measured.errors[kinds.NO_CONNECTION] > 0
    assert measured.errors[kinds.TIMEOUT] >= 5  # those that got the connections
    assert sum(measured.errors.values()) == 80


def test_a_generator_that_lags_makes_its_figures_void(ports: Callable[[str], int]) -> None:
    plan = a_plan(ports("good"), rate=2000.0)
    measured, _ = measure(plan, breathe=lambda: time.sleep(0.03))
    assert "lagged" in validity.void(plan, measured)
    assert measured.requests == 200


def good_measurement(**changes: Any) -> Measurement:
    quick, slow = Histogram(), Histogram()
    quick.record([0.000005] * 1000)
    slow.record([0.001] * 1000)
    settings: dict[str, Any] = {
        "seconds": 1.0,
        "requests": 1000,
        "answered": 1000,
        "errors": {},
        "latency": [slow.encode()] * 1,
        "completions": [1000],
        "lag": quick.encode(),
        "begun_total": 1100,
        "ended_total": 1100,
        "connections": 1,
        "cpu_share": 0.5,
        "steal_share": 0.0,
    }
    return Measurement(**(settings | changes))


def lag(*microseconds: int) -> str:
    histogram = Histogram()
    histogram.record([value / 1e6 for value in microseconds])
    return histogram.encode()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        ({"lag": lag(*[150] * 100)}, "median send lag"),
        ({"lag": lag(*[5] * 97, *[1500] * 3)}, "p99 send lag"),
        ({"lag": lag(*[5] * 97, *[900] * 3)}, ""),
        ({"steal_share": 0.2}, "stolen"),
        ({"ended_total": 1099}, "lost count"),
        ({"answered": 999}, "lost count"),
        ({"answered": 999, "errors": {"timeout": 1}}, ""),
        ({"answered": 999, "errors": {"ports-exhausted": 1}}, "ports-exhausted"),
        ({"trouble": "of 2 workers 1 were lost"}, "lost"),
    ],
    ids=["good", "median lag", "tail lag", "small tail", "steal", "lost", "lost too", "theirs", "ours", "worker"],
)
def test_figures_are_void_by_stated_rules(changes: dict[str, Any], told: str) -> None:
    reason = validity.void(a_plan(1), good_measurement(**changes))
    assert told in reason
    assert bool(reason) == bool(told)


def test_a_saturating_generator_at_its_own_limit_is_void() -> None:
    plan = a_plan(1, shape="saturation", rate=0.0)
    assert "may be what was saturated" in validity.void(plan, good_measurement(lag="", cpu_share=0.97))
    assert validity.void(plan, good_measurement(lag="", cpu_share=0.7)) == ""


def test_processes_merge_to_what_one_would_have_measured() -> None:
    parts = [good_measurement(errors={"reset": 2}, answered=998), good_measurement(trouble="x", cpu_share=0.7)]
    whole = measurement.merge(parts)
    assert (whole.requests, whole.answered, whole.errors, whole.completions) == (2000, 1998, {"reset": 2}, [2000])
    assert (whole.cpu_share, whole.processes, whole.trouble) == (0.7, 2, "x")
    assert latency(whole).total == 2000
    assert Histogram.decode(whole.lag).total == 2000


@pytest.mark.parametrize("address", ["10.96.0.1", "192.0.2.7", "8.8.8.8", "example.com"])
def test_a_foreign_target_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=r"refused|no IP address"):
        a_plan(80, address=address, allowed=["172.30.0.200/29"]).check()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "172.30.0.201"])
def test_loopback_and_the_cluster_s_own_are_allowed(address: str) -> None:
    a_plan(80, address=address, allowed=["172.30.0.200/29"]).check()


@pytest.mark.parametrize(
    "changes",
    [{"rate": 1e9}, {"rate": 0.0}, {"seconds": 0.0}, {"seconds": 1e6}, {"processes": 2}, {"blocks": 1}],
    ids=["too many", "no rate", "no time", "too long", "fewer users than processes", "one block"],
)
def test_a_load_without_bounds_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        a_plan(80, **changes).check()
