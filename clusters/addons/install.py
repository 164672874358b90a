"""Puts the add-ons on a cluster and waits until they serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .api import ApiError, ClusterApi, wait_until
from .manifests import FOLDER, load, load_file

DEFINITIONS_SECONDS = 20.0


def manifests(values: Mapping[str, str], crds: Mapping[str, Path], *, experimental: bool) -> list[dict[str, Any]]:
    """Every object of every add-on, in the order in which they are applied."""
    channel = "experimental" if experimental else "standard"
    definitions = [
        manifest
        for folder in (crds["metallb-crds"], crds["gateway-api-crds"] / channel)
        for path in sorted(folder.glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for manifest in load_file(path)
    ]
    return [
        *load(FOLDER / "rbac", values),
        *load(FOLDER / "coredns", values),
        *definitions,
        *load(FOLDER / "metallb", values),
    ]


def apply(api: ClusterApi, every: list[dict[str, Any]], *, check: Callable[[], None]) -> None:
    """Apply in order; an object whose kind is not served yet is tried until it is."""
    for manifest in every:
        def done(manifest: dict[str, Any] = manifest) -> bool:
            try:
                api.apply(manifest)
            except ApiError as error:
                if error.status in {0, 403, 404, 409, 429, 503}:
                    return False
                raise
            return True

        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        wait_until(done, what=f"Applying {name}", seconds=DEFINITIONS_SECONDS, check=check)


def wait(api: ClusterApi, *, seconds: float, check: Callable[[], None]) -> None:
    """Wait until CoreDNS and MetalLB are Ready."""
    for path in (
        "/apis/apps/v1/namespaces/metallb-system/daemonsets/speaker",
        "/apis/apps/v1/namespaces/metallb-system/deployments/controller",
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
    ):
        wait_until(lambda path=path: rolled_out(api.get(path)), what=f"{path.rpartition('/')[2]} becoming Ready", seconds=seconds, check=check)


def rolled_out(workload: Mapping[str, Any]) -> bool:
    """Whether every pod of a Deployment or DaemonSet is of its newest template and Ready."""
    status = workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return wanted > 0 and status.get("numberReady", 0) == wanted == status.get("updatedNumberScheduled", 0)
    wanted = workload["spec"]["replicas"]
    return status.get("readyReplicas", 0) == wanted == status.get("updatedReplicas", 0)
