"""Restarts a node's kube-proxy while its cluster runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from clusters.errors import ClusterError
from clusters.merging import merged
from clusters.provider import Cluster

from . import names, remains
from .compartment import LAUNCHER, environment_of
from .journal import JOURNAL, Journal
from .node_files import NodeFolders
from .processes import Process, children, running_since, start_time

NAME = "kube-proxy"
END_SECONDS = 10.0
"""It ends within a fraction of a second when it is asked to."""
POLL_SECONDS = 0.01


def restart(cluster: Cluster, node: str, changes: Mapping[str, Any], entrance: Sequence[str]) -> None:
    """End it as a kubelet would, and start it with ``changes`` merged into the configuration that the node was made
    with. ``entrance`` runs a command inside the node. `ClusterError` where it does not start.
    """
    netns = names.place_netns(cluster.name, node)
    journal = Journal(cluster.state / JOURNAL)
    running = running_in(netns)
    program = str(Path(f"/proc/{running[-1]}/exe").readlink() if running else at_hand())
    for pid in running:
        end(pid, start_time(pid))
    folders = NodeFolders(cluster.state / "nodes" / node)
    file = folders.kube_proxy_file
    if changes:
        document = merged(yaml.safe_load(file.read_text(encoding="utf-8")), changes)
        file = file.with_name("kube-proxy-changed.yaml")
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    log = cluster.state / "logs" / node / f"{NAME}.log"
    journal.about_to("process", f"{netns} {NAME}")
    pid = start([*entrance, "/bin/sh", "-c", LAUNCHER, "launcher", program, f"--config={file}"], log, cluster.name)
    journal.started(Process(name=NAME, place=netns, pid=pid, started=start_time(pid), log=log))


def at_hand() -> Path:
    """The program of a kube-proxy that died, or did not bear its last configuration: a new cluster's."""
    from clusters import components  # noqa: PLC0415 - its libraries take a while, and this is seldom needed

    return components.resolve([NAME])[NAME]


def running_in(netns: str) -> list[int]:
    """Ids of the kube-proxies in a node's network, also of one that an interrupted restart did not put on record."""
    inode = remains.inode_of(names.netns_path(netns))
    found = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    return [pid for pid in found if is_kube_proxy(pid) and remains.inode_of(Path(f"/proc/{pid}/ns/net")) == inode]


def is_kube_proxy(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == NAME and running_since(pid) is not None
    except OSError:
        return False


def end(pid: int, started: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while running_since(pid) == started:
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def start(command: Sequence[str], log: Path, cluster: str) -> int:
    """Start a launcher inside a node, and give the id of what it starts, as this machine counts: a grandchild."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment_of(cluster),
            cwd="/",
            start_new_session=True,
        ) as launcher,
    ):
        while not (started := [pid for shell in children(launcher.pid) for pid in children(shell)]):
            if launcher.poll() is not None:
                raise ClusterError("kube-proxy could not be started.", f"See {log}.")
            time.sleep(POLL_SECONDS)
        launcher.communicate()
    return started[0]
