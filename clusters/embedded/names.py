"""What the parts of a cluster are called on this machine.

Everything derives from the cluster's name, so that a cluster whose records are lost can still be removed.
"""

from __future__ import annotations

import re
from pathlib import Path

from clusters.errors import UsageError

NETNS_FOLDER = Path("/run/netns")
RUN_FOLDER = Path("/run/roadtest")
"""Locks; names of clusters are unique per machine, whatever the state folder."""
MARK = "ROADTEST_CLUSTER"
"""Environment variable that every process of a cluster carries."""
CGROUP = "roadtest"
"""Parent of every cluster's cgroups."""

RIG = "kind-rig"
"""Not a cluster: the Docker engine of our own (`clusters.kind.rig`), which is made and removed like one."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
_PLACE_NAME = re.compile(r"(n|client-|server-)\d+")


def check_cluster_name(name: str) -> None:
    """Raise `UsageError` for a name that cannot be used, with the rule it breaks."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"A cluster cannot be called {name!r}.",
            "Use lower-case letters, digits and dashes, at most 40, a letter or digit first and last.",
        )
    if name == RIG:
        raise UsageError(f"A cluster cannot be called {name}: the Docker engine of our own is.", "Choose another name.")
    if re.search(r"-(n|client-|server-)\d+$", name):
        # rt-a-n1 would be the first node of cluster a and the control plane of cluster a-n1.
        raise UsageError(
            f"A cluster cannot be called {name!r}, because a place of another cluster could be.",
            "Do not end it in -n1, -client-1 or the like.",
        )


def node_name(number: int) -> str:
    return f"n{number}"


def control_netns(cluster: str) -> str:
    """Namespace of the node network's bridge and of the control plane."""
    return f"rt-{cluster}"


def place_netns(cluster: str, place: str) -> str:
    """Namespace of a node, an outside client or an outside server."""
    return f"rt-{cluster}-{place}"


def netns_path(netns: str) -> Path:
    return NETNS_FOLDER / netns


def netns_of(cluster: str, every: list[str]) -> list[str]:
    """Those of the namespaces ``every`` that belong to a cluster."""
    prefix = f"rt-{cluster}-"
    return [
        netns
        for netns in every
        if netns == f"rt-{cluster}" or (netns.startswith(prefix) and _PLACE_NAME.fullmatch(netns[len(prefix) :]))
    ]


def clusters_of(every: list[str]) -> list[str]:
    """Names of the clusters that have namespaces among these."""
    found = set()
    for netns in every:
        if netns.startswith("rt-"):
            name, _, place = netns[len("rt-") :].rpartition("-")
            # client-1 and server-1 hold a dash of their own.
            if place.isdigit() and name.endswith(("-client", "-server")):
                found.add(name.rpartition("-")[0])
            elif name and _PLACE_NAME.fullmatch(place):
                found.add(name)
            else:
                found.add(netns[len("rt-") :])
    return sorted(found - {RIG})


def cgroup(*of: str) -> str:
    """Path below a cgroup mount of every cluster's cgroup, a cluster's, or a node's."""
    return "/".join(["", CGROUP, *of])
