"""``list`` and ``describe``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.table import Table

from . import lifecycle, records
from .errors import ClusterError
from .families import Family
from .progress import console_for_tables
from .provider import Cluster, Ranges


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster, as ``list --json`` shows it."""

    name: str
    state: str
    """``running``; ``damaged``: some of its processes have ended; ``stopped``: all have, as after a restart of the
    machine; ``half-made``."""
    ended: list[str] = []
    provider: str = ""
    mode: str = ""
    nodes: int = 0
    controllers: list[str] = []
    created: str = ""
    """RFC 3339, UTC."""
    kubeconfig: str = ""


def add_views(verbs: Any) -> None:
    """Add both verbs to a parser's."""
    every = verbs.add_parser("list", help="show all clusters of this machine")
    every.add_argument("--json", action="store_true", help="for programs")
    every.set_defaults(run=run_list)
    one = verbs.add_parser("describe", help="show one cluster: places, addresses, versions, timings")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--json", action="store_true", help="for programs")
    one.set_defaults(run=run_describe)


def row(name: str) -> Row:
    try:
        cluster = lifecycle.load(name)
    except ClusterError:
        return Row(name=name, state="half-made")
    processes = lifecycle.provider_for(cluster).processes(cluster)
    created = datetime.fromtimestamp((cluster.state / records.FILE).stat().st_mtime, UTC)
    return Row(
        name=name,
        state=state_of(processes),
        ended=[name for name, runs in processes.items() if not runs],
        provider=cluster.provider,
        mode=cluster.mode,
        nodes=len(cluster.nodes),
        controllers=cluster.controllers,
        created=created.isoformat(timespec="seconds"),
        kubeconfig=str(cluster.kubeconfig),
    )


def state_of(processes: dict[str, bool]) -> str:
    if all(processes.values()):
        return "running"
    return "damaged" if any(processes.values()) else "stopped"


def run_list(asked: argparse.Namespace) -> int:
    rows = [row(name) for name in lifecycle.names()]
    if asked.json:
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
    elif not rows:
        print(f"no clusters; {records.COMMAND} create makes one")
    else:
        show(["NAME", "STATE", "PROVIDER", "MODE", "NODES", "CONTROLLERS", "AGE", "KUBECONFIG"], map(cells, rows))
    return 0


def cells(entry: Row) -> list[str]:
    age = ""
    if entry.created:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(entry.created)).total_seconds()
        age = next(
            f"{seconds // size:.0f}{unit}"
            for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
            if seconds >= size or size == 1
        )
    return [
        *(entry.name, entry.state, entry.provider, entry.mode, str(entry.nodes or "")),
        *(", ".join(entry.controllers), age, entry.kubeconfig),
    ]


def run_describe(asked: argparse.Namespace) -> int:
    cluster = lifecycle.load(asked.name)
    if asked.json:
        print(msgspec.json.format(msgspec.json.encode(cluster, enc_hook=str)).decode())
        return 0
    shown = row(asked.name)
    ended = f" (ended: {', '.join(shown.ended)})" if shown.state == "damaged" else ""
    pairs("Cluster", overview(cluster, f"{shown.state}{ended}"))
    places = [*cluster.nodes, *cluster.clients, *cluster.servers]
    show(
        ["PLACE", "ROLE", "ADDRESS", "PODS", "ZONE", "NETWORK NAMESPACE"],
        [
            [
                *(place.name, place.role, each(place.address, place.addresses)),
                *(each(place.pod_subnet, place.pod_subnets), place.zone, place.netns),
            ]
            for place in places
        ],
    )
    pairs("Conditions", cluster.conditions)
    pairs("Versions", cluster.versions)
    pairs("Start-up", {step: f"{seconds:6.2f} s" for step, seconds in cluster.timings.items()})
    return 0


def overview(cluster: Cluster, state: str) -> dict[str, str]:
    return {
        "name": cluster.name,
        "state": state,
        "provider": f"{cluster.provider} ({cluster.provider_reason})",
        "kube-proxy mode": cluster.mode,
        "controllers": ", ".join(cluster.controllers) or "none",
        **{
            name.replace("_", " "): each(
                getattr(cluster, name), {family: getattr(found, name) for family, found in cluster.ranges.items()}
            )
            for name in Ranges.__struct_fields__
        },
        "DNS": f"{cluster.dns_address} ({cluster.dns_domain})",
        "kubeconfig": str(cluster.kubeconfig),
        "folder": str(cluster.state),
    }


def each(primary: str, of_families: Mapping[Family, str]) -> str:
    """What there is of each family; where nobody tells, that of the primary one."""
    return ", ".join(filter(None, of_families.values())) or primary


def show(columns: list[str], rows: Any) -> None:
    """A plain table; no borders, so that it can be cut into columns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for cells_of_row in rows:
        table.add_row(*cells_of_row)
    console_for_tables().print(table)


def pairs(title: str, values: dict[str, str]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, title=title, title_justify="left", title_style="bold")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(f"  {name}", value)
    console_for_tables().print(table)
