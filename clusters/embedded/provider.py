"""The embedded provider: `clusters.provider.Provider` with real Kubernetes processes in namespaces of this machine."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from clusters import records
from clusters.errors import ClusterError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec

from . import addresses, name_lock, names, remains, removal
from .node_files import Host
from .processes import last_lines


class EmbeddedProvider:
    """Clusters on this machine: Linux, root."""

    name = "embedded"

    def unavailable(self) -> str:
        if os.geteuid() != 0:
            return "An embedded cluster needs root: run it with sudo."
        return ""

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        names.check_cluster_name(spec.name)
        plan = addresses.plan(spec)
        folder = records.folder(spec.name)
        with name_lock.held(spec.name):
            if not remains.find(spec.name, folder, []).none:
                raise ClusterError(
                    f"There is a cluster called {spec.name} already.",
                    f"Remove it with: python -m clusters delete {spec.name}; or choose another name.",
                )
            from .bring_up import BringUp  # noqa: PLC0415 - its libraries take a while, and removal needs none of them

            try:
                cluster = BringUp(spec, plan, folder, self.host(), progress).run()
                records.save(cluster)
            except BaseException:
                removal.remove(spec.name, folder)
                raise
            return cluster

    def names(self) -> list[str]:
        return sorted({*records.on_record(), *names.clusters_of(remains.every_netns())})

    def delete(self, name: str) -> None:
        names.check_cluster_name(name)
        with name_lock.held(name):
            removal.remove(name, records.folder(name))

    def host(self) -> Host:
        return Host(
            lowers_oom_score=False,
            runc=Path("/usr/sbin/runc"),
        )

    def pod_netns(self, cluster: Cluster, namespace: str, pod: str) -> str:
        for place in cluster.nodes:
            init = remains.init_of(cluster.name, place.netns)
            if init is None:
                continue
            bundles = Path(f"/proc/{init}/root/run/containerd/io.containerd.runtime.v2.task/k8s.io")
            for file in bundles.glob("*/config.json"):
                with suppress(OSError, ValueError):
                    bundle = json.loads(file.read_bytes())
                    notes = bundle.get("annotations", {})
                    if (
                        notes.get("io.kubernetes.cri.container-type") == "sandbox"
                        and notes.get("io.kubernetes.cri.sandbox-namespace") == namespace
                        and notes.get("io.kubernetes.cri.sandbox-name") == pod
                    ):
                        for space in bundle["linux"]["namespaces"]:
                            if space["type"] == "network":
                                return f"/proc/{init}/root{space['path']}" if space.get("path") else place.netns
                        return place.netns
        return ""

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        return last_lines(cluster.state / "logs" / node / f"{component}.log", lines)
