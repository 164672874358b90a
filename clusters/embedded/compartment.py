"""A place of a cluster: its network namespace and, where it runs processes, its own mounts and process ids.

One thread of this process lives in each compartment: the kernel's namespaces belong to threads, so whatever that thread
starts is born inside. The first process, which only sleeps, is process 1 there: when it is killed the kernel kills
everything else inside, and the compartment's mounts go with it. Nothing that a node mounts is seen by this machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from . import kernel_calls as kernel
from . import names
from .journal import Journal
from .processes import Process

P = ParamSpec("P")
T = TypeVar("T")

INIT = """\
mount -t proc proc /proc || exit 1
trap '' CHLD
echo ready
exec sleep infinity
"""
"""Process 1: children that nobody waits for are reaped by the kernel, because their end is ignored."""


class Abandoned(Exception):  # noqa: N818 - nothing went wrong here
    """The compartment is closed: its cluster is being given up."""


class Compartment:
    """One network namespace, and the thread of ours that lives in it."""

    def __init__(self, cluster: str, netns: str, journal: Journal) -> None:
        self.cluster = cluster
        self.netns = netns
        self.journal = journal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=netns)

    def run(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run something inside and return what it returns; calls follow one another."""
        try:
            return self._thread.submit(function, *arguments, **keywords).result()
        except (CancelledError, RuntimeError) as error:
            # The thread pool is shut down: whoever brought the cluster up has given up.
            raise Abandoned from error

    def close(self) -> None:
        """Let our thread go; what it started lives on, and nothing more can be started."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def make_network(self) -> None:
        """Make the network namespace and give it its name below /run/netns. To be called inside."""
        self.journal.about_to("namespace", self.netns)
        path = names.netns_path(self.netns)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.mount("/proc/thread-self/ns/net", path, flags=kernel.MS_BIND)

    def make_processes(self, mounts: Mapping[str, Path | None]) -> Process:
        """Give the compartment its own mounts and process ids, and start its process 1. To be called inside.

        ``mounts`` says what is mounted where: a folder of this machine, or nothing for an empty one in memory.
        """
        kernel.unshare(kernel.CLONE_FS | kernel.CLONE_NEWNS)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
        # Copies of other namespaces' names would keep those namespaces alive after their own removal.
        for point in kernel.mounts_below(names.NETNS_FOLDER):
            kernel.unmount(point)
        for target, source in mounts.items():
            if source is None:
                kernel.mount("roadtest", target, "tmpfs", options="mode=755")
            else:
                kernel.mount(source, target, flags=kernel.MS_BIND)
        kernel.unshare(kernel.CLONE_NEWPID)
        self.journal.about_to("process", f"{self.netns} init")
        init = subprocess.Popen(
            ["/bin/sh", "-c", INIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment({}),
            cwd="/",
            start_new_session=True,
        )
        assert init.stdout is not None
        with init.stdout as answer:
            said = answer.readline().strip()
        if said != b"ready":
            raise OSError(f"the namespace {self.netns} could not be given its own /proc: {said.decode()}")
        return Process(name="init", place=self.netns, popen=init, log=None)

    def start(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> Process:
        """Start a process inside, in a session of its own, its output appended to ``log``. To be called inside."""
        self.journal.about_to("process", f"{self.netns} {name}")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(environment),
                cwd="/",
                start_new_session=True,
                pass_fds=descriptors,
            )
        return Process(name=name, place=self.netns, popen=popen, log=log)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            names.MARK: self.cluster,
            **more,
        }


def prepare_netns_folder() -> None:
    """/run/netns as `ip netns add` makes it: shared, so that removing a name removes it in every mount namespace."""
    names.NETNS_FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        kernel.mount("none", names.NETNS_FOLDER, flags=kernel.MS_SHARED | kernel.MS_REC)
    except OSError:
        kernel.mount(names.NETNS_FOLDER, names.NETNS_FOLDER, flags=kernel.MS_BIND | kernel.MS_REC)
        kernel.mount("none", names.NETNS_FOLDER, flags=kernel.MS_SHARED | kernel.MS_REC)
