"""``python -m bench generator | cluster [--rounds N] [--seconds S]``: figures with intervals, goals reached or not."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import sys

from rich.console import Console
from rich.table import Table

from bench import cluster, generator
from bench.targets import BenchError, cores
from clusters.errors import RoadtestError
from clusters.progress import progress_for_terminal

BUSY = 1.0
"""Load average from which on a benchmark shares its cores with others."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./noxw -s bench --", description="Benchmarks of Roadtest itself.")
    parser.add_argument(
        "what",
        choices=["generator", "cluster"],
        help="generator: beside wrk and Locust's own, about 5 minutes; cluster: create, delete, memory, about 1 minute",
    )
    parser.add_argument("--rounds", type=int, default=2, help="rounds of turns, each there and back (default 2)")
    parser.add_argument("--seconds", type=float, default=4.0, help="measured seconds of a turn (default 4)")
    parser.add_argument(
        "--provider", nargs="+", default=["embedded"], metavar="NAME", help="cluster: these in turn (default embedded)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order of turns")
    asked = parser.parse_args(arguments)
    if asked.rounds < 1 or not 1 <= asked.seconds <= 60:
        parser.error("--rounds must be at least 1 and --seconds between 1 and 60")
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        if asked.what == "cluster":
            return _cluster(console, asked)
        client, server = cores()
        os.sched_setaffinity(0, {client})
        _prefer()
        return _generator(console, asked, client, server)
    except (BenchError, RoadtestError) as error:
        console.print(str(error), style="red", highlight=False)
        return 2


def _cluster(console: Console, asked: argparse.Namespace) -> int:
    with progress_for_terminal() as progress:
        rounds = [
            cluster.one_round(provider, mode, ["traefik"], 3, progress)
            for _ in range(asked.rounds)
            for mode in cluster.MODES
            for provider in asked.provider
        ]
    console.print(f"Three nodes with every add-on and Traefik, load average {os.getloadavg()[0]:.1f}.", highlight=False)
    for provider, mode in itertools.product(asked.provider, cluster.MODES):
        own = [one for one in rounds if (one.provider, one.mode) == (provider, mode)]
        table = Table(title=f"{provider}, kube-proxy mode {mode}", title_justify="left", show_header=False)
        table.add_row("create", cluster.spread([one.create_seconds for one in own], "s"))
        table.add_row("delete", cluster.spread([one.delete_seconds for one in own], "s"))
        table.add_row("memory", cluster.spread([one.memory_bytes / 1e9 for one in own], "GB"))
        for step in own[0].timeline:
            table.add_row(f"  {step}", cluster.spread([one.timeline.get(step, 0.0) for one in own], "s"))
        console.print(table)
    return 0


def _prefer() -> None:
    """Raise our own priority, which every contender and server inherits: our generator raises its own anyway."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def _generator(console: Console, asked: argparse.Namespace, client: int, server: int) -> int:
    rounds, seconds = asked.rounds, asked.seconds
    load = os.getloadavg()[0]
    console.print(
        f"Generator on core {client}, server on core {server}, kernel {platform.release()}, Python "
        f"{platform.python_version()}, load average {load:.1f} before; 95 % intervals over turns.",
        highlight=False,
    )
    if load > BUSY:
        console.print("[yellow]Others keep this machine busy: figures per CPU second hold, those per second do not.")
    served, standings, goals = generator.speed(server, rounds, seconds, asked.seed)
    table = Table(title=f"One core, 64 kept-alive connections, against {served.title}", title_justify="left")
    table.add_column("generator")
    for title in ("requests/s", "95 %", "client CPU", "requests per CPU s", "server CPU"):
        table.add_column(title, justify="right")
    for standing in sorted(standings, key=lambda one: -one.rate[0]):
        mean, low, high = standing.rate
        table.add_row(
            standing.name,
            f"{mean:,.0f}",
            f"{max(low, 0):,.0f}-{high:,.0f}",
            f"{standing.client_cpu:.0%}",
            f"{sum(standing.per_core) / len(standing.per_core):,.0f}",
            f"{standing.server_cpu:.0%}",
        )
    console.print(table)
    if any(standing.server_cpu > 0.95 for standing in standings):
        console.print("Where the server used its whole core, it and not the generator was the limit.")
    goals += generator.stopped_server(server)
    goals += generator.added_delays(server, rounds, min(seconds, 3.0))
    goals += generator.poisson(server, rounds + 1, seconds + 1)
    _print_goals(console, goals)
    return 0


def _print_goals(console: Console, goals: list[generator.Goal]) -> None:
    table = Table(title="Goals (reached: the whole interval is on the right side)", title_justify="left")
    table.add_column("goal")
    table.add_column("found", justify="right")
    table.add_column("")
    for goal in goals:
        table.add_row(goal.title, goal.found, "reached" if goal.reached else "[red]not reached")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
