"""Profiles as data, where load may go, and what is recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clusters.errors import UsageError
from clusters.provider import Cluster, Place
from loadprofiles import boundary, record, running
from loadprofiles.backend import HOST, Way
from loadprofiles.engine.histogram import Histogram
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.profile import FOLDER, Profile, chosen, profiles
from reports.model import Load

ROOT = Path(__file__).parent.parent
GOOD = (FOLDER / "clusterip-per-request.toml").read_text()

CLUSTER = Cluster(
    name="mini",
    provider="embedded",
    provider_reason="a test",
    mode="nftables",
    kubeconfig=Path("kubeconfig"),
    state=Path(),
    nodes=[Place(name="n1", role="node", address="172.30.0.11")],
    clients=[Place(name="client-1", role="client", address="172.30.0.101")],
    servers=[Place(name="server-1", role="server", address="172.30.0.151")],
    pod_subnet="10.244.0.0/16",
    service_subnet="10.96.0.0/16",
    load_balancer_pool="172.30.0.200-172.30.0.250",
    dns_address="10.96.0.10",
)
WAY = Way(vantage=CLUSTER.clients[0], address="10.96.7.7", port=80, host=HOST, told={"way": "a → b"})


def asked(**changes: Any) -> running.Asked:
    settings: dict[str, Any] = {"cluster": "mini", "run": Path("run"), "cell": "c", "profiles": [], "named": False}
    return running.Asked(**(settings | changes))


def a_profile(**changes: Any) -> Profile:
    return msgspec.structs.replace(profiles()["clusterip-per-request"], **changes)


def test_the_first_profiles_are_what_was_promised() -> None:
    ways = {(p.target, p.vantage, p.connection, msgspec.to_builtins(p.shape)["kind"]) for p in profiles().values()}
    assert ways >= {
        ("clusterip", "pod-network", "per-request", "arrival-rate"),
        ("nodeport", "client-1", "per-request", "arrival-rate"),
        ("controller", "client-1", "keep-alive", "arrival-rate"),
        ("controller", "client-1", "keep-alive", "saturation"),
    }


def test_the_short_part_of_all_profiles_takes_less_than_half_a_minute_of_sending() -> None:
    assert sum(p.short.seconds + p.short.warmup_seconds for p in profiles().values()) <= 30


@pytest.mark.parametrize("name", profiles())
def test_short_figures_are_enough_for_p99_9(name: str) -> None:
    shape = profiles()[name].shape
    if rates := getattr(shape, "rates", None):
        assert min(rates) * profiles()[name].short.seconds > 3700


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[shape]", "[shape]\nspeed = 3"), "speed"),
        (('target = "clusterip"', 'target = "internet"'), "internet"),
        (("rates = [1000]", "rates = []"), "length"),
        (("rates = [1000]", "rates = [-1]"), "> 0"),
        (("seconds = 30", "seconds = 1e9"), "<= 3600"),
        (('path = "/etc/hostname"', 'path = "/a b\\r\\nX: y"'), "no request path"),
        (("[full]", "[full"), "clusterip"),
    ],
    ids=["field", "target", "no rate", "negative rate", "too long", "two lines", "no toml"],
)
def test_a_wrong_profile_is_refused_with_its_name(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in GOOD
    (tmp_path / "clusterip-wrong.toml").write_text(GOOD.replace(*change))
    with pytest.raises(UsageError, match=r"clusterip-wrong\.toml") as refused:
        profiles(tmp_path)
    assert told in str(refused.value)


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="clusterip-per-request"):
        chosen(["no-such"])
    assert [profile.name for profile in chosen(["nodeport-per-request"])] == ["nodeport-per-request"]


@pytest.mark.parametrize(
    "address", ["10.244.3.4", "10.96.0.1", "172.30.0.11", "172.30.0.200", "172.30.0.250", "127.0.0.1"]
)
def test_load_may_go_to_the_cluster(address: str) -> None:
    plan = running.plans(a_profile(), msgspec.structs.replace(WAY, address=address), CLUSTER, asked())[0]
    assert plan.check().address == address


@pytest.mark.parametrize("address", ["172.30.0.251", "172.30.0.12", "10.97.0.1", "10.243.0.1", "1.1.1.1", "172.30.0.1"])
def test_load_may_go_nowhere_else(address: str) -> None:
    plan = running.plans(a_profile(), msgspec.structs.replace(WAY, address=address), CLUSTER, asked())[0]
    with pytest.raises(UsageError, match="refused"):
        plan.check()


def test_a_cluster_without_a_pool_allows_none() -> None:
    bare = msgspec.structs.replace(CLUSTER, load_balancer_pool="")
    assert not any(network.startswith("172.30.0.2") for network in boundary.networks(bare))


def test_modes_get_the_same_schedule_and_profiles_different_ones() -> None:
    iptables = msgspec.structs.replace(CLUSTER, mode="iptables")
    seeds = [running.plans(a_profile(), WAY, cluster, asked())[0].seed for cluster in (CLUSTER, iptables)]
    assert seeds[0] == seeds[1]
    assert seeds[0] != running.plans(a_profile(), WAY, CLUSTER, asked(seed=1))[0].seed
    assert seeds[0] != running.plans(a_profile(name="another"), WAY, CLUSTER, asked())[0].seed


def test_steps_are_plans_of_their_own() -> None:
    profile = profiles()["controller-arrival-rate"]
    steps = msgspec.structs.replace(profile, shape=msgspec.structs.replace(profile.shape, rates=[10.0, 200.0]))
    assert [(plan.name, plan.rate) for plan in running.plans(steps, WAY, CLUSTER, asked())] == [
        ("controller-arrival-rate@10", 10.0),
        ("controller-arrival-rate@200", 200.0),
    ]


def test_a_request_says_whether_its_connection_lives_on() -> None:
    per_request = running.request(a_profile(), msgspec.structs.replace(WAY, port=31000))
    assert per_request.startswith(f"GET /etc/hostname HTTP/1.1\r\nHost: {HOST}:31000\r\n")
    assert "\r\nConnection: close\r\n" in per_request
    assert "Connection" not in running.request(a_profile(connection="keep-alive"), WAY)
    assert per_request.endswith("\r\n\r\n")


def measured(latencies: list[float], **changes: Any) -> Measurement:
    lag, blocks = Histogram(), [Histogram() for _ in range(32)]
    lag.record([0.00001] * len(latencies))
    for number, block in enumerate(blocks):
        block.record(latencies[number::32])
    settings: dict[str, Any] = {
        "seconds": 4.0,
        "requests": len(latencies),
        "answered": len(latencies),
        "errors": {},
        "latency": [block.encode() for block in blocks],
        "completions": [block.total for block in blocks],
        "lag": lag.encode(),
        "begun_total": len(latencies),
        "ended_total": len(latencies),
        "connections": 3,
        "cpu_share": 0.2,
        "steal_share": 0.0,
        "conditions": {"kernel": "6"},
    }
    return Measurement(**(settings | changes))


def recorded(what: Measurement) -> Load:
    plan: Plan = running.plans(a_profile(), WAY, CLUSTER, asked())[0]
    return record.load(
        a_profile(), plan, what, cell="c", started="2026-01-01T00:00:00Z", conditions={"mode": "nftables"}
    )


def test_a_record_holds_every_figure_with_its_interval_and_its_conditions() -> None:
    load = recorded(measured([0.001 + 0.000001 * number for number in range(6400)]))
    assert list(load.latency_seconds) == ["p50", "p90", "p99", "p99.9", "max"]
    assert all(figure.low <= figure.value <= figure.high for figure in load.latency_seconds.values())
    assert load.latency_seconds["p50"].value == pytest.approx(0.0042, rel=0.01)
    assert load.throughput.value == 1600
    assert load.void == ""
    told = {"mode", "kernel", "seed", "generator CPU", "steal", "intervals", "validity", "timeout", "latency from"}
    assert load.conditions.keys() >= told
    assert "1,600" in running.line(load)


def test_a_void_record_says_why_and_is_not_told_as_figures() -> None:
    load = recorded(measured([0.001] * 6400, errors={"ports-exhausted": 5}, requests=6405))
    assert "ports-exhausted" in load.void
    assert running.line(load) == f"clusterip-per-request: void: {load.void}"


def test_a_quantile_without_requests_enough_is_left_out_and_said_to_be() -> None:
    load = recorded(measured([0.001] * 640))
    assert "p99.9" not in load.latency_seconds
    assert "p99.9" in load.conditions["left out"]
    nothing = recorded(measured([], errors={"refused": 4000}, requests=4000))
    assert nothing.latency_seconds == {}
    assert "4000 × refused" in running.line(nothing)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["list"], 0, "clusterip-per-request"),
        (
            ["run", "--cluster", "no-such-cluster", "--run", "runs/x", "--cell", "c", "--profile", "nope"],
            2,
            "error: There is no load profile",
        ),
    ],
    ids=["list", "unknown profile"],
)
def test_the_command_line(arguments: list[str], status: int, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadprofiles", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
