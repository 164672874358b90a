"""What there is of a cluster on this machine, found without its records: by names, by marks, by namespaces."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import cgroups, names
from .processes import parent, running_since


def exist(cluster: str, folder: Path) -> bool:
    """Whether there is anything of a cluster. ``folder`` is its state folder."""
    return folder.exists() or bool(names.netns_of(cluster, every_netns()) or processes(cluster) or cgroups.of(cluster))


def every_netns() -> list[str]:
    """Names of all network namespaces of this machine."""
    try:
        return sorted(entry.name for entry in os.scandir(names.NETNS_FOLDER))
    except OSError:
        return []


def processes(cluster: str, netns: Sequence[str] = (), recorded: Mapping[int, int] | None = None) -> list[int]:
    """Ids of a cluster's processes: those that carry its mark, live in one of these network namespaces of its, or are
    on record, by id and start time.

    A process of a container does neither, but it ends with process 1 of its node, which does. Neither this process nor
    what it runs under is among them, wherever that is.
    """
    mark = f"{names.MARK}={cluster}".encode()
    inodes = {inode for name in netns if (inode := inode_of(names.netns_path(name)))}
    own = ancestors(os.getpid())
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (pid := int(entry.name)) not in own:
            inside = bool(inodes) and inode_of(Path(entry.path, "ns", "net")) in inodes
            known = recorded is not None and pid in recorded and recorded[pid] == running_since(pid)
            if inside or known or mark in _environment(pid):
                found.append(pid)
    return found


def ancestors(pid: int) -> set[int]:
    """A process, its parent, and so on."""
    found: set[int] = set()
    while pid and pid not in found:
        found.add(pid)
        pid = parent(pid)
    return found


def init_of(cluster: str, netns_path: str) -> int | None:
    """Process 1 of the compartment with this network namespace; nothing where it has none."""
    inode = inode_of(Path(netns_path))
    mark = f"{names.MARK}={cluster}".encode()
    for pid in processes(cluster) if inode is not None else ():
        there = inode_of(Path(f"/proc/{pid}/ns/net")) == inode and mark in _environment(pid)
        if there and pid_inside(pid) == 1:
            return pid
    return None


def pid_inside(pid: int) -> int | None:
    """A process's id in the innermost namespace that it is in; nothing where it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:")), None)


def inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
