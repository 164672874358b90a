"""The kind provider: `clusters.provider.Provider` with kind's clusters in a Docker engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from clusters import kube_proxy_pods, paths, records, sandboxes
from clusters.addons.api import ClusterApi
from clusters.embedded import machine, name_lock, names
from clusters.embedded.journal import JOURNAL, Journal
from clusters.embedded.processes import running_since
from clusters.embedded.removal import undisturbed, undone
from clusters.errors import ClusterError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec, Mode

from . import checks, containers, engine, node_image, removal, rig
from .engine import Engine
from .outside import container_name

ENGINE_FILE = "engine.json"
LOG_SECONDS = 20.0


class KindProvider:
    """Clusters in a Docker engine (https://kind.sigs.k8s.io)."""

    name = "kind"
    packages: tuple[str, ...] = ("kind",)

    def unavailable(self) -> str:
        found, trouble = engine.find()
        if found:
            return ""
        return f"{trouble.rstrip('.')}. {engine.CURE}"

    def trouble(self) -> str:
        """Why ``auto`` does not choose it, as the middle of a sentence; empty where it does."""
        found, trouble = engine.find()
        if not found:
            return trouble[:1].lower() + trouble[1:].rstrip(".")
        if checks.rootless_on_v1(found.info()):
            return "a Docker engine answers, but is rootless on cgroup v1, with which kind cannot run"
        if not node_image.can_be_had(found):
            builds = f"({node_image.COMMAND} builds one)"
            return f"a Docker engine answers, but has no node image and reaches no registry {builds}"
        return ""

    def check_mode(self, mode: Mode) -> None:
        checks.check_mode(mode, engine.must())

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        names.check_cluster_name(spec.name)
        used = engine.must()
        folder = records.folder(spec.name)
        with name_lock.held(spec.name, lock_folder()):
            if folder.exists():
                raise records.taken(spec.name)
            if containers.of_kind(used, spec.name):
                raise ClusterError(
                    f"There is a kind cluster called {spec.name} already, and it is not ours: it stays as it is.",
                    "Choose another name with --name.",
                )
            checks.check(spec, used, folder)
            checks.check_mode(spec.mode, used)
            image = node_image.ensure(used, progress)
            with (
                undone(
                    folder,
                    records.failed_folder(spec.name),
                    remove=partial(removal.remove, used, spec.name, folder),
                    save_logs=partial(self.save_logs, used, spec.name, folder),
                ),
                machine.faults_told(),
            ):
                folder.mkdir(parents=True)
                records.mark(spec.name, self.name)
                (folder / ENGINE_FILE).write_bytes(msgspec.json.encode(used))
                # Imported here: its libraries take a while, and a removal needs none of them.
                from .bring_up import BringUp  # noqa: PLC0415

                cluster = BringUp(spec, used, image, folder, progress).run()
                records.save(cluster)
            return cluster

    def save_logs(self, used: Engine, cluster: str, folder: Path) -> None:
        """What the nodes' own programs wrote, of a cluster that did not come up."""
        with suppress(ClusterError, OSError):
            for container in containers.ours(used, cluster):
                told = used.inspect("container", container)[0]
                path = folder / "logs" / f"{told['Name'].lstrip('/')}.log"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(used.run("logs", "--tail", "200", container), encoding="utf-8")

    def names(self) -> list[str]:
        return [name for name in records.on_record() if records.provider(name) == self.name]

    def delete(self, name: str) -> None:
        names.check_cluster_name(name)
        folder = records.folder(name)
        with name_lock.held(name, lock_folder()), undisturbed():
            used = self._engine_of(folder)
            if used is None and folder.exists() and not self._stopped(folder):
                raise ClusterError(
                    f"The Docker engine that the cluster {name} runs in does not answer.",
                    "Start it again, then remove the cluster: its containers would be left behind.",
                )
            removal.remove(used, name, folder)
            shutil.rmtree(records.failed_folder(name), ignore_errors=True)

    def _recorded(self, folder: Path) -> Engine | None:
        """The engine that a cluster was made in; nothing where there is no record of it."""
        try:
            return msgspec.json.decode((folder / ENGINE_FILE).read_bytes(), type=Engine)
        except (OSError, msgspec.DecodeError):
            return None

    def _engine_of(self, folder: Path) -> Engine | None:
        """The engine that a cluster was made in, where it answers."""
        recorded = self._recorded(folder)
        if recorded is None:
            return engine.find()[0]
        with suppress(ClusterError):
            recorded.info()
            return recorded
        return None

    def _stopped(self, folder: Path) -> bool:
        """Whether the cluster was in an engine of our own that has been stopped: nothing is left of it there."""
        recorded = self._recorded(folder)
        return recorded is None or (recorded.ours and not rig.running())

    def processes(self, cluster: Cluster) -> dict[str, bool]:
        journal = Journal(cluster.state / JOURNAL).entries()
        found = {entry.what: running_since(entry.started) == entry.start_time for entry in journal if entry.started}
        every = dict.fromkeys(self._containers(cluster).values(), False)
        if used := self._engine_of(cluster.state):
            told = used.inspect("container", *every)
            every |= {one["Name"].lstrip("/"): bool(one["State"]["Running"]) for one in told}
        return {**found, **every}

    def _containers(self, cluster: Cluster) -> dict[str, str]:
        """Place → container."""
        outside = {host.name: container_name(cluster.name, host.name) for host in (*cluster.clients, *cluster.servers)}
        return {**{node.name: node.name for node in cluster.nodes}, **outside}

    def _running_engine(self, cluster: Cluster) -> Engine:
        if used := self._engine_of(cluster.state):
            return used
        raise ClusterError(
            f"The cluster {cluster.name} does not run: its Docker engine does not answer.",
            f"Remove it: {records.removal(cluster.name)}",
        )

    def entrance(self, cluster: Cluster, place: str) -> list[str]:
        places = self._containers(cluster)
        if place not in places:
            raise UsageError(
                f"The cluster {cluster.name} has no place called {place!r}.", f"Places: {', '.join(places)}."
            )
        used = self._running_engine(cluster)
        terminal = ["-t"] if os.isatty(0) and os.isatty(1) else []
        if place in {node.name for node in cluster.nodes}:
            return [used.docker, "--host", used.host, "exec", "-i", *terminal, place]
        return cluster.place(place).command

    def pod_netns(self, cluster: Cluster, namespace: str, pod: str) -> str:
        used = self._running_engine(cluster)
        for node in cluster.nodes:
            inside = containers.process_folder(used, node.name)
            path = sandboxes.netns(inside / "root", namespace, pod) if inside else None
            if inside and path is not None:
                # A pod of the host's network has no namespace of its own.
                return f"{inside}/root{path}" if path else node.netns
        return ""

    def restart_kube_proxy(self, cluster: Cluster, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
        kube_proxy_pods.restart(ClusterApi(cluster.kubeconfig), cluster.state, nodes, changes)

    def load_images(self, cluster: Cluster, archives: Mapping[str, Path], progress: Progress) -> None:
        from . import image_loading  # noqa: PLC0415 - as above

        image_loading.load(self._running_engine(cluster), cluster, archives, progress)

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        used = self._running_engine(cluster)
        script = (
            f"journalctl --no-pager --output=cat --unit {component} --lines {lines}"
            if component in {"kubelet", "containerd"}
            else f"tail -q -n {lines} /var/log/pods/kube-system_{component}-*/*/*.log"
        )
        return used.run("exec", node, "sh", "-c", script, seconds=LOG_SECONDS)


def lock_folder() -> Path:
    """Where names are locked: for the whole machine where we are root, for this user elsewhere."""
    return names.RUN_FOLDER if os.geteuid() == 0 else paths.state_folder() / "locks"
