"""The embedded provider: `clusters.provider.Provider` with real Kubernetes processes in namespaces of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from clusters import records, sandboxes
from clusters.errors import ClusterError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec, Mode

from . import addresses, kube_proxy, machine, name_lock, names, remains, removal
from .journal import JOURNAL, Journal
from .processes import last_lines, running_since

CONTROL_PLANE = "control-plane"


class EmbeddedProvider:
    """Clusters on this machine: Linux, root."""

    name = "embedded"
    packages: tuple[str, ...] = ("cluster",)

    def unavailable(self) -> str:
        return machine.unavailable()

    def check_mode(self, mode: Mode) -> None:
        machine.check_mode(mode)

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        names.check_cluster_name(spec.name)
        plan = addresses.plan(spec)
        machine.check_user()
        folder = records.folder(spec.name)
        with name_lock.held(spec.name):
            if remains.exist(spec.name, folder):
                raise records.taken(spec.name)
            remove = partial(removal.remove, spec.name, folder)
            with removal.undone(folder, records.failed_folder(spec.name), remove=remove):
                host = machine.check(spec, folder)
                # Imported here: its libraries take a while, and a removal needs none of them.
                from .bring_up import BringUp  # noqa: PLC0415

                with machine.faults_told():
                    cluster = BringUp(spec, plan, folder, host, progress).run()
                    records.save(cluster)
            return cluster

    def names(self) -> list[str]:
        own = [name for name in records.on_record() if records.provider(name) in {"", self.name}]
        return sorted({*own, *names.clusters_of(remains.every_netns())})

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
            path = sandboxes.netns(Path(f"/proc/{init}/root"), namespace, pod) if init else None
            if path is not None:
                # A pod of the host's network has no namespace of its own.
                return f"/proc/{init}/root{path}" if path else place.netns
        return ""

    def restart_kube_proxy(self, cluster: Cluster, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
        troubles = []
        for node in nodes:  # every one, also where an earlier one does not start: it may be the way back
            try:
                kube_proxy.restart(cluster, node, changes, self.entrance(cluster, node))
            except (ClusterError, OSError) as error:
                troubles.append(f"{node}: {error}")
        if troubles:
            raise ClusterError(f"kube-proxy was not restarted everywhere: {'; '.join(troubles)}", "See its log.")

    def load_images(self, cluster: Cluster, archives: Mapping[str, Path], progress: Progress) -> None:
        from . import image_loading  # noqa: PLC0415 - as above

        image_loading.load({node.name: self.entrance(cluster, node.name) for node in cluster.nodes}, archives, progress)

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        return last_lines(cluster.state / "logs" / node / f"{component}.log", lines)
