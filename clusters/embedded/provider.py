"""The embedded provider: `clusters.provider.Provider` with real Kubernetes processes in namespaces of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clusters import records
from clusters.errors import ClusterError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec

from . import addresses, machine, name_lock, names, remains, removal
from .journal import JOURNAL, Journal
from .processes import last_lines, running_since

CONTROL_PLANE = "control-plane"


class EmbeddedProvider:
    """Clusters on this machine: Linux, root."""

    name = "embedded"

    def unavailable(self) -> str:
        return machine.unavailable()

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        names.check_cluster_name(spec.name)
        plan = addresses.plan(spec)
        machine.check_user()
        folder = records.folder(spec.name)
        with name_lock.held(spec.name):
            if remains.exist(spec.name, folder):
                raise ClusterError(
                    f"There is a cluster called {spec.name} already.",
                    f"Remove it with: {records.removal(spec.name)}; or choose another name.",
                )
            try:
                host = machine.check(spec, folder)
                # Imported here: its libraries take a while, and a removal needs none of them.
                from .bring_up import BringUp  # noqa: PLC0415

                with faults_told():
                    cluster = BringUp(spec, plan, folder, host, progress).run()
                    records.save(cluster)
            except BaseException as error:
                with removal.undisturbed():
                    kept = removal.keep_logs(folder, records.failed_folder(spec.name), error)
                    removal.remove(spec.name, folder)
                if kept and isinstance(error, ClusterError):
                    raise type(error)(error.cause, f"{error.cure}\nIts logs are kept: {kept}".strip()) from error
                raise
            return cluster

    def names(self) -> list[str]:
        return sorted({*records.on_record(), *names.clusters_of(remains.every_netns())})

    def delete(self, name: str) -> None:
        names.check_cluster_name(name)
        machine.check_user()
        with name_lock.held(name), removal.undisturbed():
            removal.remove(name, records.folder(name))
            shutil.rmtree(records.failed_folder(name), ignore_errors=True)

    def processes(self, cluster: Cluster) -> dict[str, bool]:
        return {
            entry.what.removeprefix(f"{names.control_netns(cluster.name)}-"): running_since(entry.started)
            == entry.start_time
            for entry in Journal(cluster.state / JOURNAL).entries()
            if entry.started
        }

    def entrance(self, cluster: Cluster, place: str) -> list[str]:
        inhabited = self._inhabited(cluster)
        if place in inhabited:
            machine.check_user()
            init = remains.init_of(cluster.name, inhabited[place])
            if init is None:
                raise ClusterError(
                    f"The cluster {cluster.name} does not run.", f"Remove it: {records.removal(cluster.name)}"
                )
            return ["nsenter", f"--target={init}", "--net", "--mount", "--pid", "--uts"]
        outside = {outsider.name: outsider.command for outsider in (*cluster.clients, *cluster.servers)}
        if place not in outside:
            every = ", ".join([*inhabited, *outside])
            raise UsageError(f"The cluster {cluster.name} has no place called {place!r}.", f"Places: {every}.")
        return outside[place]

    def _inhabited(self, cluster: Cluster) -> dict[str, str]:
        """Places with processes of their own → path of their network namespace."""
        control = str(names.netns_path(names.control_netns(cluster.name)))
        return {CONTROL_PLANE: control, **{node.name: node.netns for node in cluster.nodes}}

    def pod_netns(self, cluster: Cluster, namespace: str, pod: str) -> str:
        for place in cluster.nodes:
            init = remains.init_of(cluster.name, place.netns)
            path = sandbox_netns(Path(f"/proc/{init}/root"), namespace, pod) if init else None
            if path is not None:
                # A pod of the host's network has no namespace of its own.
                return f"/proc/{init}/root{path}" if path else place.netns
        return ""

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        return last_lines(cluster.state / "logs" / node / f"{component}.log", lines)


@contextmanager
def faults_told() -> Iterator[None]:
    """Tell what the machine refused (a full disk, a namespace that went away) as a `ClusterError`."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(f"The cluster could not be brought up: {machine.said(error)}.") from error


def sandbox_netns(root: Path, namespace: str, pod: str) -> str | None:
    """Path of a pod's network namespace below a node's root, from containerd's own record of its sandbox.

    Empty for a pod of the host's network; nothing where the node does not run the pod.
    """
    for file in (root / "run/containerd/io.containerd.runtime.v2.task/k8s.io").glob("*/config.json"):
        with suppress(OSError, ValueError):
            bundle = json.loads(file.read_bytes())
            notes = bundle.get("annotations", {})
            if (
                notes.get("io.kubernetes.cri.container-type") == "sandbox"
                and notes.get("io.kubernetes.cri.sandbox-namespace") == namespace
                and notes.get("io.kubernetes.cri.sandbox-name") == pod
            ):
                spaces = {space["type"]: space.get("path", "") for space in bundle["linux"]["namespaces"]}
                return str(spaces.get("network", ""))
    return None
