"""Sends profiles to a cluster, one after the other, and records what they gave."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

import clusters
from clusters.errors import RoadtestError, UsageError
from clusters.families import at
from clusters.provider import Cluster
from fixtures import evidence
from fixtures.controller_evidence import metrics
from fixtures.turns import on_machine
from fixtures.workloads import Namespace
from loadprofiles import boundary, record
from loadprofiles.backend import Backend, Way, backend, controller_of
from loadprofiles.carrier import TooFewWorkersError
from loadprofiles.dismissal import Carry, dismissing
from loadprofiles.elsewhere import entrance, why_not
from loadprofiles.engine.plan import Plan
from loadprofiles.grid import OWN_SECONDS, Grid, carried_by, settled
from loadprofiles.pods.placing import check_rights
from loadprofiles.pods.sending import by_pods
from loadprofiles.profile import ArrivalRate, Profile
from reports import append
from reports.model import Interval, Load

NO_METRICS = "controller metrics that are missing"
"""The condition of a record."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    cluster: str
    run: Path
    cell: str
    profiles: list[Profile]
    named: bool
    """The user named the profiles: one that cannot be sent is an error then, and is passed over otherwise."""
    short: bool = False
    seed: int = 0
    grid: Grid | None = None


def run(asked: Asked, console: Console) -> list[Load]:
    """Send each profile, write a `Load` record per step, tell the figures; the records.

    A profile that could not be measured is told, and is an error once the others have been.
    """
    cluster = clusters.load(asked.cluster)
    for profile in asked.profiles if asked.named else []:
        if reason := why_not(profile, cluster, asked.grid):
            raise UsageError(f"Load profile {profile.name} cannot be sent: {reason}.")
    records: list[Load] = []
    failures: list[RoadtestError] = []
    if asked.grid is not None:
        asked = msgspec.structs.replace(asked, grid=settled(asked.grid, cluster))
    sendable = [profile for profile in asked.profiles if _can_be_sent(profile, cluster, asked, console)]
    pods = asked.grid if asked.grid is not None and asked.grid.pods and sendable else None
    if pods:
        check_rights(cluster)
    tell = teller(asked.grid, console)
    with contextlib.ExitStack() as stack:
        answering = stack.enter_context(backend(cluster, asked.run.name, by_pods=pods is not None))
        carry = stack.enter_context(
            by_pods(pods, cluster, answering.namespace, tell) if pods else dismissing(asked.grid, cluster.scratch, tell)
        )
        # What is put in place before, and removed afterwards, keeps no other cell of the run waiting.
        if sendable:
            stack.enter_context(on_machine(asked.run, alone=True))
        for number, profile in enumerate(sendable, 1):
            try:
                for load in _measure(profile, answering, cluster, asked, carry, more=number < len(sendable)):
                    append(asked.run, load)
                    records.append(load)
                    console.print(line(load), highlight=False)
                    if why := load.conditions.get(NO_METRICS):
                        console.print(f"{load.profile}: no metrics of the controller: {why}", highlight=False)
            except TooFewWorkersError:
                raise
            except RoadtestError as error:  # the other profiles may still be measured
                failures.append(error)
                console.print(f"{profile.name}: {error}", highlight=False)
    if failures:
        raise RoadtestError(f"{len(failures)} of {len(sendable)} profiles were not measured.", "See above why.")
    return records


def teller(grid: Grid | None, console: Console) -> Callable[[str], object]:
    """Tells what the master of a grid says, each line once: every load of a run has a master that says the same."""
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            console.print(f"grid: {text}", highlight=False)

    if grid is None:
        return lambda _: None
    if grid.address:
        tell(f"the master listens on {grid.address}:{grid.port}. {grid.joining}")
    return tell


def _can_be_sent(profile: Profile, cluster: Cluster, asked: Asked, console: Console) -> bool:
    """Whether to try; one that the user named is tried, and is then an error."""
    if why := why_not(profile, cluster, asked.grid):
        console.print(f"{profile.name}: passed over, {why}", highlight=False)
        return False
    if profile.target == "controller" and controller_of(cluster) is None:
        why = f"cluster {cluster.name} has no controller"
    elif asked.grid is not None and not asked.grid.sends(profile.vantage):
        why = f"it is sent from {profile.vantage}, and the grid's workers stand elsewhere"
        if asked.named and asked.grid.pods:
            raise UsageError(f"Load profile {profile.name} cannot be sent: {why}.")
    if not why or asked.named:
        return True
    console.print(f"{profile.name}: passed over, {why}", highlight=False)
    return False


def _measure(
    profile: Profile,
    answering: Backend,
    cluster: Cluster,
    asked: Asked,
    carry: Carry,
    *,
    more: bool,
) -> Iterator[Load]:
    """The profile's steps; ``more`` profiles follow."""
    way = answering.way(profile)
    steps = plans(carried_by(profile, asked.grid), way, cluster, asked)
    for step, plan in enumerate(steps, 1):
        following = more or step < len(steps)
        load = _one(profile, msgspec.structs.replace(plan, more=following), way, cluster, asked, carry)
        counted = _counted(load, cluster, answering.namespace, asked.run)
        yield msgspec.structs.replace(load, conditions=load.conditions | counted)


def _one(profile: Profile, plan: Plan, way: Way, cluster: Cluster, asked: Asked, carry: Carry) -> Load:
    started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    before = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    measured = carry(plan, way.vantage.netns)
    conditions = {
        "mode": cluster.mode,
        "provider": cluster.provider,
        "short": "yes" if asked.short else "no",
        "load average before": before,
        **way.told,
    }
    return record.load(profile, plan, measured, cell=asked.cell, started=started, conditions=conditions)


def _counted(load: Load, cluster: Cluster, namespace: Namespace, run: Path) -> dict[str, str]:
    """The file with what the controller counted by the end of its load, or why there is none: conditions of its record.

    Here each controller's metrics are looked at, whatever the verdicts: a place that its folder names wrongly is seen.
    """
    controller = controller_of(cluster)
    if load.target != "controller" or controller is None or controller.admin is None or not controller.admin.metrics:
        return {}
    path = Path("evidence", load.cell, f"{load.profile}-{controller.name}-metrics.txt")
    try:
        text = metrics(namespace.api, controller, controller.admin, [namespace.name])
        evidence.put(run, path, f"Metrics of {controller.title}", text)
    except Exception as error:  # it takes nothing from the figures
        return {NO_METRICS: " ".join(str(error).split())}
    return {"controller metrics": str(path)}


def plans(profile: Profile, way: Way, cluster: Cluster, asked: Asked) -> list[Plan]:
    """A plan per step of the profile. The same seed gives the same schedule in every cell, so that modes compare."""
    times = profile.times(short=asked.short)
    shape = profile.shape
    steps = shape.rates if isinstance(shape, ArrivalRate) else [0.0]
    return [
        Plan(
            name=profile.name if len(steps) == 1 else f"{profile.name}@{rate:g}",
            address=way.address,
            port=way.port,
            request=request(profile, way),
            expect_status=profile.expect_status,
            shape="arrival-rate" if isinstance(shape, ArrivalRate) else "saturation",
            arrivals=shape.arrivals if isinstance(shape, ArrivalRate) else "constant",
            rate=rate,
            users=max(1, profile.processes) if isinstance(shape, ArrivalRate) else shape.users,
            keep_alive=profile.connection == "keep-alive",
            warmup_seconds=times.warmup_seconds,
            seconds=times.seconds,
            timeout_seconds=profile.timeout_seconds,
            max_connections=profile.max_connections,
            seed=zlib.crc32(f"{asked.seed} {profile.name} {rate}".encode()),
            processes=profile.processes,
            wait_seconds=asked.grid.wait_seconds if asked.grid is not None else OWN_SECONDS,
            allowed=[*boundary.networks(cluster), *entrance(cluster, way.address)],
        )
        for rate in steps
    ]


def request(profile: Profile, way: Way) -> str:
    """The request's bytes, as text."""
    port = "" if way.port == 80 else f":{way.port}"
    close = "Connection: close\r\n" if profile.connection == "per-request" else ""
    host = f"{at(way.host)}{port}"
    return f"GET {profile.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: roadtest\r\nAccept: */*\r\n{close}\r\n"


def line(load: Load) -> str:
    """One line for the terminal."""
    if load.void:
        return f"{load.profile}: void: {load.void}"
    failed = ", ".join(f"{count} × {kind}" for kind, count in load.errors.items()) or "no errors"
    latency = ", ".join(
        f"{name} {_milliseconds(interval)}" for name, interval in load.latency_seconds.items() if name != "max"
    )
    rate = load.throughput
    lag = f"; send lag p99 {load.send_lag_seconds['p99'] * 1e6:.0f} µs" if load.send_lag_seconds else ""
    return (
        f"{load.profile}: {rate.value:,.0f} [{rate.low:,.0f}, {rate.high:,.0f}] answers/s, "
        f"{latency or 'no answers'}; {load.requests:,} requests, {failed}{lag}"
    )


def _milliseconds(interval: Interval) -> str:
    return f"{interval.value * 1e3:.2f} [{interval.low * 1e3:.2f}, {interval.high * 1e3:.2f}] ms"
