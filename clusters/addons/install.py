"""Puts the add-ons on a cluster and waits until they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from clusters.errors import ClusterError
from clusters.provider import Channel

from .api import ApiError, ClusterApi, wait_until
from .manifests import FOLDER, load, load_file
from .probes import patient

APPLY_SECONDS = 30.0
DEFINITION_WORKERS = 3
WORKLOADS = (
    "/apis/apps/v1/namespaces/metallb-system/daemonsets/speaker",
    "/apis/apps/v1/namespaces/metallb-system/deployments/controller",
    "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
)
NOT_YET = frozenset({0, 403, 404, 409, 429, 503})
"""Answers of an API server that is still coming up, or does not serve a kind yet."""


class Files(Protocol):
    """Finds the folder of a component."""

    def __getitem__(self, name: str) -> Path: ...


class Manifests(msgspec.Struct, frozen=True):
    """Everything that the add-ons are made of, in the order in which it is applied."""

    definitions: list[dict[str, Any]]
    objects: list[dict[str, Any]]


ADDONS = ("rbac", "coredns", "metallb")
"""Folders beside this file, in the order in which they are applied."""


def manifests(values: Mapping[str, str], files: Files, channel: Channel, addons: Sequence[str] = ADDONS) -> Manifests:
    """Read all of them; ``channel`` is the Gateway API's."""
    folders = (files["metallb-crds"], files["gateway-api-crds"] / channel)
    return Manifests(
        definitions=[
            manifest
            for folder in folders
            for path in sorted(folder.glob("*.yaml"))
            if path.name != "kustomization.yaml"
            for manifest in load_file(path)
        ],
        objects=[manifest for addon in addons for manifest in load(FOLDER / addon, values)],
    )


def apply(api: ClusterApi, every: Manifests, *, check: Callable[[], None], patience: float = 1.0) -> None:
    """Apply the definitions side by side, then the objects one after the other."""
    with ThreadPoolExecutor(DEFINITION_WORKERS) as pool:
        for done in [
            pool.submit(apply_all, api, [manifest], check=check, patience=patience) for manifest in every.definitions
        ]:
            done.result()
    apply_all(api, every.objects, check=check, patience=patience)


def apply_all(
    api: ClusterApi, every: Iterable[Mapping[str, Any]], *, check: Callable[[], None], patience: float = 1.0
) -> None:
    """Apply in order; what the server does not take yet is tried until it does, ``patience`` times as long as usual.

    So are the pods that come of it: `probes.patient`.
    """
    seconds = APPLY_SECONDS * patience
    for manifest in every:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        attempt = Attempt(api, patient(manifest, patience))
        try:
            wait_until(attempt, what=f"Applying {name}", seconds=seconds, check=check)
        except ClusterError as error:
            if attempt.refusal:
                raise ClusterError(f"{name} could not be applied: {attempt.refusal}") from error
            raise


class Attempt:
    """Applies one object, as often as it is called, until the server takes it."""

    def __init__(self, api: ClusterApi, manifest: Mapping[str, Any]) -> None:
        self.api = api
        self.manifest = manifest
        self.refusal = ""

    def __call__(self) -> bool:
        try:
            self.api.apply(self.manifest)
        except ApiError as error:
            self.refusal = str(error)
            if error.status in NOT_YET:
                return False
            raise
        return True


def wait(api: ClusterApi, *, seconds: float, check: Callable[[], None]) -> None:
    """Wait until CoreDNS and MetalLB are Ready."""
    for path in WORKLOADS:
        name = " ".join(path.split("/")[-2:])
        try:
            wait_until(partial(is_rolled_out, api, path), what=f"{name} becoming Ready", seconds=seconds, check=check)
        except ApiError:
            raise
        except ClusterError as error:
            raise ClusterError(error.cause, f"{error.cure}\n{not_ready(api)}".strip()) from error


def is_rolled_out(api: ClusterApi, path: str) -> bool:
    """Whether the Deployment or DaemonSet at ``path`` is rolled out."""
    return rolled_out(api.get(path))


def rolled_out(workload: Mapping[str, Any]) -> bool:
    """Whether every pod of a Deployment or DaemonSet is of its newest template and Ready."""
    status = workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        counts = [status.get("numberReady", 0), status.get("updatedNumberScheduled", 0)]
        return wanted > 0 and counts == [wanted, wanted]
    counts = [status.get("readyReplicas", 0), status.get("updatedReplicas", 0)]
    return counts == [workload["spec"]["replicas"]] * 2


def is_ready(told: Mapping[str, Any]) -> bool:
    """Whether a pod or a node says of itself that it is Ready."""
    conditions = told["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def nodes_ready(api: ClusterApi, count: int) -> bool:
    """Whether so many nodes are Ready."""
    return sum(map(is_ready, api.get("/api/v1/nodes")["items"])) == count


def not_ready(api: ClusterApi) -> str:
    """The pods that are not Ready, and what each is waiting for, a line each."""
    lines = []
    for pod in api.get("/api/v1/pods").get("items", []):
        if is_ready(pod):
            continue
        conditions = {condition["type"]: condition for condition in pod["status"].get("conditions", [])}
        states = [
            detail.get("message") or detail.get("reason", "")
            for container in pod["status"].get("containerStatuses", [])
            for detail in container.get("state", {}).values()
        ]
        scheduled = conditions.get("PodScheduled", {}).get("message", "")
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        lines.append(f"{name}: {pod['status'].get('phase')} {' '.join(filter(None, [scheduled, *states]))}".rstrip())
    return "\n".join(lines)
