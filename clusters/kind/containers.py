"""The containers of a kind cluster, as places: where their networks can be entered, and how commands run in them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from clusters.families import Family
from clusters.provider import Place

from .engine import Engine
from .node_network import LABEL, name_for

KIND_LABEL = "io.x-k8s.kind.cluster"
"""https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/providers/docker/constants.go"""


def of_kind(engine: Engine, cluster: str) -> list[str]:
    """Ids of the containers of kind's cluster of this name, whoever made it."""
    return engine.run("ps", "--all", "--quiet", "--filter", f"label={KIND_LABEL}={cluster}").split()


def ours(engine: Engine, cluster: str) -> list[str]:
    """Ids of the containers of a cluster of ours: kind's nodes on our network, and the outside hosts.

    A kind cluster of the same name that somebody else made is on another network.
    """
    nodes = ("--filter", f"label={KIND_LABEL}={cluster}", "--filter", f"network={name_for(cluster)}")
    outside = ("--filter", f"label={LABEL}={cluster}")
    return [
        found
        for filters in (nodes, outside)
        for found in engine.run("ps", "--all", "--quiet", "--no-trunc", *filters).split()
    ]


def place(
    engine: Engine,
    container: str,
    name: str,
    role: Literal["node", "client", "server"],
    addresses: Mapping[Family, str],
    pod_subnets: Mapping[Family, str] | None = None,
    zone: str = "",
) -> Place:
    """A container as a place: its network entered through the kernel where it is this machine's and we may.

    Commands on a node are the node's own, by `docker exec`; elsewhere this machine's, where its network can be entered.
    """
    netns = netns_of(engine, container)
    docker = [engine.docker, "--host", engine.host, "exec", "-i", container]
    return Place(
        name=name,
        role=role,
        address=next(iter(addresses.values()), ""),
        addresses=dict(addresses),
        pod_subnet=next(iter((pod_subnets or {}).values()), ""),
        pod_subnets=dict(pod_subnets or {}),
        zone=zone,
        netns=netns,
        command=["nsenter", f"--net={netns}"] if netns and role != "node" else docker,
    )


def netns_of(engine: Engine, container: str) -> str:
    """Path of a container's network namespace where this process can enter it; empty elsewhere.

    Docker names it by an id that is given once: the name of a container that is gone leads nowhere, and an engine in a
    virtual machine or elsewhere has names that this machine does not know.
    """
    (told,) = engine.inspect("container", container)
    key = re.sub("^/var/run/", "/run/", str(told["NetworkSettings"]["SandboxKey"]))
    path = engine.root / key.lstrip("/")
    return str(path) if key and os.geteuid() == 0 and path.exists() else ""


def process_folder(engine: Engine, container: str) -> Path | None:
    """/proc/PID of a container's first process as this machine sees it; nothing where it cannot be entered from here.

    The engine may run in a virtual machine or elsewhere, where the id means another process: its files tell.
    """
    found = engine.inspect("container", container)
    return process_folder_of(engine, found[0]) if found else None


def process_folder_of(engine: Engine, told: dict[str, Any]) -> Path | None:
    if os.geteuid() != 0 or not told["State"]["Pid"]:
        return None
    folder = engine.root / "proc" / str(told["State"]["Pid"])
    try:
        written = (folder / "root/etc/hostname").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return folder if written == told["Config"]["Hostname"] else None
