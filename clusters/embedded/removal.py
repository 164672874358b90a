"""Removes a cluster, whatever state it is in. Safe to repeat, and to interrupt: the next removal goes on."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from clusters.errors import ClusterError

from . import kernel_calls as kernel
from . import names, remains
from .journal import Journal

KILL_SECONDS = 10.0
CGROUP_SECONDS = 5.0
POLL_SECONDS = 0.02


def remove(cluster: str, folder: Path) -> None:
    """Remove processes, namespaces, mounts, cgroups and files of a cluster; `ClusterError` naming what would not go."""
    journal = Journal(folder / "journal.jsonl").entries()
    netns = names.netns_of(cluster, remains.every_netns())
    kill(cluster, netns)
    for name in netns:
        path = names.netns_path(name)
        with suppress(OSError):
            kernel.unmount(path)
        path.unlink(missing_ok=True)
    for point in kernel.mounts_below(folder):
        with suppress(OSError):
            kernel.unmount(point)
    remove_cgroups(cluster)
    if folder.exists():
        # The records go last: as long as there are files, there is a journal that says whose they are.
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
        shutil.rmtree(folder)
    del journal


def kill(cluster: str, netns: list[str]) -> None:
    """Kill every process of a cluster, and wait until none is left."""
    deadline = time.monotonic() + KILL_SECONDS
    while found := remains.processes(cluster, netns, []):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap(found)
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Processes of the cluster {cluster} do not end: {', '.join(map(str, found))}.",
                "See what they wait for: cat /proc/PID/stack.",
            )
        time.sleep(POLL_SECONDS)


def reap(pids: list[int]) -> None:
    """Take leave of those that are children of ours: a dead child whose end nobody asked for is still listed."""
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def remove_cgroups(cluster: str) -> None:
    """Remove a cluster's cgroups; the kernel lets go of a cgroup a moment after its last process ended."""
    deadline = time.monotonic() + CGROUP_SECONDS
    while found := remains.cgroups(cluster):
        for path in found:
            with suppress(OSError):
                path.rmdir()
        if remains.cgroups(cluster) and time.monotonic() > deadline:
            raise ClusterError(
                f"The cgroup {found[0]} cannot be removed.", f"See its members: cat {found[0]}/cgroup.procs"
            )
        time.sleep(POLL_SECONDS / 4)
    for parent in {remains.CGROUP_ROOT / names.CGROUP, *remains.CGROUP_ROOT.glob(f"*/{names.CGROUP}")}:
        with suppress(OSError):
            parent.rmdir()  # goes with the last cluster
