"""What there is of a cluster on this machine, found without its records: by names, by marks, by namespaces."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from . import kernel_calls as kernel
from . import names
from .journal import Entry, start_time

CGROUP_ROOT = Path("/sys/fs/cgroup")


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one cluster that is still there."""

    processes: list[int] = []
    netns: list[str] = []
    mounts: list[str] = []
    cgroups: list[str] = []
    folders: list[str] = []

    @property
    def none(self) -> bool:
        return not (self.processes or self.netns or self.mounts or self.cgroups or self.folders)


def find(cluster: str, folder: Path, journal: list[Entry]) -> Remains:
    """Look for a cluster's remains. ``folder`` is its state folder."""
    netns = names.netns_of(cluster, every_netns())
    return Remains(
        processes=processes(cluster, netns, journal),
        netns=netns,
        mounts=kernel.mounts_below(folder),
        cgroups=[str(path) for path in cgroups(cluster)],
        folders=[str(folder)] if folder.exists() else [],
    )


def every_netns() -> list[str]:
    """Names of all network namespaces of this machine."""
    try:
        return sorted(entry.name for entry in os.scandir(names.NETNS_FOLDER))
    except OSError:
        return []


def processes(cluster: str, netns: list[str], journal: list[Entry]) -> list[int]:
    """Ids of a cluster's processes: those that carry its mark, live in its network namespaces, or are on record.

    A process of a container carries no mark, but it ends with process 1 of its node, which does.
    """
    mark = f"{names.MARK}={cluster}".encode()
    inodes = {inode for name in netns if (inode := _inode(names.netns_path(name)))}
    recorded = {entry.started: entry.start_time for entry in journal if entry.started}
    own = os.getpid()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or (pid := int(entry.name)) == own:
            continue
        if (
            (pid in recorded and recorded[pid] == start_time(pid))
            or _inode(Path(entry.path, "ns", "net")) in inodes
            or mark in _environment(pid)
        ):
            found.append(pid)
    return found


def init_of(cluster: str, netns_path: str) -> int | None:
    """Process 1 of the compartment with this network namespace; nothing where it has none."""
    inode = _inode(Path(netns_path))
    mark = f"{names.MARK}={cluster}".encode()
    for pid in processes(cluster, [], []):
        if inode is not None and _inode(Path(f"/proc/{pid}/ns/net")) == inode and mark in _environment(pid):
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
            inside = next((line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")), "")
            if inside == "1":
                return pid
    return None


def cgroups(cluster: str) -> list[Path]:
    """A cluster's cgroups in every hierarchy, the deepest first."""
    below = names.cgroup(cluster).lstrip("/")
    roots = [CGROUP_ROOT / below, *(path / below for path in _folders(CGROUP_ROOT))]
    return [
        Path(folder) for root in dict.fromkeys(roots) if root.is_dir() for folder, _, _ in os.walk(root, topdown=False)
    ]


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
