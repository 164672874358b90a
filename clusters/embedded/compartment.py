"""A place of a cluster: its network namespace and, where it runs processes, its own mounts and process ids.

One thread of this process lives in each compartment: the kernel's namespaces belong to threads, so whatever that thread
starts is born inside. The first process, which only sleeps, is process 1 there: when it is killed the kernel kills
everything else inside, and the compartment's mounts go with it. Nothing that a node mounts is seen by this machine.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from clusters.errors import ClusterError

from . import garbage, names
from . import kernel_calls as kernel
from .journal import Journal
from .processes import Process, children, start_time

P = ParamSpec("P")
T = TypeVar("T")

INIT = """\
mount -t proc proc /proc || exit 1
echo ready
exec env --ignore-signal=CHLD sleep infinity
"""
"""Process 1: children that nobody waits for are reaped by the kernel, because their end is ignored."""
LAUNCHER = """\
(ulimit -Sn "$(ulimit -Hn)"; exec "$@") < /dev/null &
read -r _
"""
"""Starts a program, with as many open files as it may have (containers inherit that), and stays until we have seen its
id; then process 1 is its parent. A child of ours would become one of this machine's process 1, and its namespaces would
outlive it until that one asked for its end."""


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
            future = self._thread.submit(function, *arguments, **keywords)
        except RuntimeError as error:
            # The thread is gone: whoever brought the cluster up has given up.
            raise Abandoned from error
        try:
            return future.result()
        except CancelledError as error:
            raise Abandoned from error

    def close(self) -> None:
        """Let our thread go; what it started lives on, and nothing more can be started."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def make_network(self) -> None:
        """Make the network namespace and give it its name below /run/netns."""
        self.journal.about_to("namespace", self.netns)
        self.run(self._make_network)

    def make_processes(self, host_name: str, mounts: Mapping[str, Path | None]) -> Process:
        """Give the compartment a host name, mounts and process ids of its own, and start its process 1.

        ``mounts`` says what is mounted where: a folder of this machine, or nothing for an empty one in memory.
        """
        self.run(self._make_mounts, host_name, mounts)
        self.journal.about_to("process", f"{self.netns} init")
        init = self.run(self._start_init)
        with init.stdout or open(os.devnull, "rb") as answer:  # noqa: PTH123
            said = answer.readline().strip()
        if said != b"ready":
            raise OSError(0, f"no /proc of its own: {said.decode(errors='replace')}", self.netns)
        return self._process("init", init.pid, None)

    def start(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        descriptors: Sequence[int] = (),
    ) -> Process:
        """Start a program inside, in a session of its own, its output appended to ``log``. See `garbage.ENVIRONMENT`.

        It inherits ``descriptors``, and outlives this process.
        """
        self.journal.about_to("process", f"{self.netns} {name}")
        log.parent.mkdir(parents=True, exist_ok=True)
        launcher = self.run(self._launch, command, log, garbage.ENVIRONMENT.get(name, {}), descriptors)
        # Its id must be read out here: inside, processes are counted from 1.
        while not (started := children(launcher.pid)):
            if launcher.poll() is not None:
                raise ClusterError(f"{name} could not be started in {self.netns}.")
        process = self._process(name, started[0], log)
        launcher.communicate()
        return process

    def _process(self, name: str, pid: int, log: Path | None) -> Process:
        process = Process(name=name, place=self.netns, pid=pid, started=start_time(pid), log=log)
        self.journal.started(process)
        return process

    # ---- inside -------------------------------------------------------------------------------------------------

    def _make_network(self) -> None:
        path = names.netns_path(self.netns)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.mount("/proc/thread-self/ns/net", path, flags=kernel.MS_BIND)

    def _make_mounts(self, host_name: str, mounts: Mapping[str, Path | None]) -> None:
        kernel.unshare(kernel.CLONE_FS | kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS)
        socket.sethostname(host_name)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
        # Copies of other namespaces' names would keep those namespaces alive after their own removal.
        for point in kernel.mounts_below(names.NETNS_FOLDER):
            kernel.unmount(point)
        for target, source in mounts.items():
            if source is None:
                kernel.mount("roadtest", target, "tmpfs", options="mode=755")
            else:
                kernel.mount(source, target, flags=kernel.MS_BIND)

    def _start_init(self) -> subprocess.Popen[bytes]:
        kernel.unshare(kernel.CLONE_NEWPID)
        return subprocess.Popen(
            ["/bin/sh", "-c", INIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment_of(self.cluster),
            cwd="/",
            start_new_session=True,
        )

    def _launch(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                ["/bin/sh", "-c", LAUNCHER, "launcher", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment_of(self.cluster), **environment},
                cwd="/",
                start_new_session=True,
                pass_fds=descriptors,
            )


def environment_of(cluster: str) -> dict[str, str]:
    """What every process of a cluster is told; the mark finds it again."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        names.MARK: cluster,
        # Where modules are, if elsewhere than modprobe looks (modprobe(8)); kube-proxy asks it for IP_VS.
        **({"MODPROBE_OPTIONS": options} if (options := os.environ.get("MODPROBE_OPTIONS")) else {}),
    }


def prepare_netns_folder() -> None:
    """/run/netns as `ip netns add` makes it: shared, so that removing a name removes it in every mount namespace."""
    names.NETNS_FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        kernel.mount("none", names.NETNS_FOLDER, flags=kernel.MS_SHARED | kernel.MS_REC)
    except OSError:
        kernel.mount(names.NETNS_FOLDER, names.NETNS_FOLDER, flags=kernel.MS_BIND | kernel.MS_REC)
        kernel.mount("none", names.NETNS_FOLDER, flags=kernel.MS_SHARED | kernel.MS_REC)
