"""Removes a cluster, whatever state it is in. Safe to repeat, and to interrupt: the next removal goes on."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from clusters.errors import ClusterError

from . import cgroups, mount_points, names, remains
from . import kernel_calls as kernel
from .journal import JOURNAL, Journal

KILL_SECONDS = 10.0
CGROUP_SECONDS = 5.0
POLL_SECONDS = 0.02
CGROUP_POLL_SECONDS = 0.005


def remove(cluster: str, folder: Path) -> None:
    """Remove processes, namespaces, mounts, cgroups and files of a cluster; `ClusterError` naming what would not go."""
    remove_from_kernel(cluster, folder)
    remove_folder(folder)


def remove_from_kernel(cluster: str, folder: Path) -> None:
    """Remove processes, namespaces, mounts and cgroups; the files of its state folder stay."""
    netns = names.netns_of(cluster, remains.every_netns())
    kill(cluster, netns, Journal(folder / JOURNAL).processes())
    for name in netns:
        path = names.netns_path(name)
        with suppress(OSError):
            kernel.unmount(path)
        path.unlink(missing_ok=True)
    for point in kernel.mounts_below(folder):
        with suppress(OSError):
            kernel.unmount(point)
    remove_cgroups(cluster)
    if alone(cluster):
        mount_points.remove()
        cgroups.remove_shared()


def alone(cluster: str) -> bool:
    """Whether there is no other cluster, nor one about to be."""
    begun = {path.stem for path in names.RUN_FOLDER.glob("*.lock")}
    return not {*names.clusters_of(remains.every_netns()), *begun} - {cluster}


def kill(cluster: str, netns: list[str], recorded: Mapping[int, int]) -> None:
    """Kill every process of a cluster, and wait until none is left."""
    deadline = time.monotonic() + KILL_SECONDS
    killed: set[int] = set()
    while found := remains.processes(cluster, netns, recorded):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
        for pid in killed:
            # Those that are children of ours stay listed, and keep their namespaces, until we have asked for their end.
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Processes of the cluster {cluster} do not end: {', '.join(map(str, found))}.",
                "See what they wait for: cat /proc/PID/stack.",
            )
        time.sleep(POLL_SECONDS)


def remove_cgroups(cluster: str) -> None:
    """Remove a cluster's cgroups; the kernel lets go of a cgroup a moment after its last process ended."""
    deadline = time.monotonic() + CGROUP_SECONDS
    while found := cgroups.of(cluster):
        for path in found:
            with suppress(OSError):
                path.rmdir()
        if time.monotonic() > deadline:
            raise ClusterError(
                f"The cgroup {found[0]} cannot be removed.", f"See its members: cat {found[0]}/cgroup.procs"
            )
        time.sleep(CGROUP_POLL_SECONDS)


def remove_folder(folder: Path) -> None:
    """Remove the state folder, the record first: half a cluster must not look like a whole one."""
    if not folder.exists():
        return
    for record in folder.glob("cluster.*"):
        record.unlink(missing_ok=True)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
    shutil.rmtree(folder)


def keep_logs(folder: Path, kept: Path, error: BaseException) -> Path | None:
    """Put the logs of a cluster that did not come up aside, as long as they explain something."""
    logs = folder / "logs"
    if not isinstance(error, ClusterError) or not logs.is_dir():
        return None
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    return logs.rename(kept)


@contextmanager
def undone(
    folder: Path, kept: Path, *, remove: Callable[[], None], save_logs: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Remove what was made where the block fails; the logs are put aside first, and the error says where they are."""
    try:
        yield
    except BaseException as error:
        with undisturbed():
            save_logs()
            put_aside = keep_logs(folder, kept, error)
            remove()
        if put_aside and isinstance(error, ClusterError):
            raise type(error)(error.cause, f"{error.cure}\nIts logs are kept: {put_aside}".strip()) from error
        raise


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no Ctrl-C, SIGTERM or hang-up stop what is being removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = [signal.signal(number, signal.SIG_IGN) for number in held]
    try:
        yield
    finally:
        for number, handler in zip(held, before, strict=True):
            signal.signal(number, handler)
