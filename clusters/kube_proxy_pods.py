"""Restarts kube-proxy where it runs as kubeadm sets it up: a DaemonSet of kube-system, one ConfigMap for all nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.errors import ClusterError
from clusters.merging import merged

PODS = "/api/v1/namespaces/kube-system/pods"
OF_KUBE_PROXY = f"{PODS}?labelSelector=k8s-app%3Dkube-proxy"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
KEY = "config.conf"
MARK = "roadtest.dev/changed-by"
"""On the ConfigMap as long as it is not as it was: the name of the cluster's record."""
KEPT = "kube-proxy-config.json"
"""In the cluster's folder: there as long as kube-proxy is not known to run as it did at first."""
READY_SECONDS = 60.0
GONE = 404


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """kube-proxy's configuration as somebody had it, and as we made it last."""

    first: str
    ours: str


def restart(api: ClusterApi, state: Path, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
    """Have the pods of these nodes made anew, with ``changes`` merged into the configuration as it was at first.

    There is one configuration: where it is or was changed, kube-proxy is restarted on every node. `ClusterError` where
    somebody else has changed it meanwhile: then it stays as it is.
    """
    file = state / KEPT
    kept = msgspec.json.decode(file.read_bytes(), type=Kept) if file.exists() else None
    if kept is None and not changes:
        remake(api, nodes)
        return
    found = api.get(CONFIG_MAP)
    now = str(found["data"][KEY])
    if kept is None and (other := (found["metadata"].get("annotations") or {}).get(MARK)):
        raise ClusterError(
            f"Another run ({other}) has changed kube-proxy's configuration, and did not put it back yet.",
            "Let it end, or have it put back: ./noxw -s cluster -- delete NAME.",
        )
    if kept is not None and now not in {kept.first, kept.ours}:
        raise ClusterError(
            "Somebody else has changed kube-proxy's configuration since we did: it stays as it is.",
            f"What it was before us is in {file}.",
        )
    first = kept.first if kept else now
    ours = yaml.safe_dump(merged(yaml.safe_load(first), changes), sort_keys=False) if changes else first
    file.write_bytes(msgspec.json.encode(Kept(first=first, ours=ours)))
    marked = {"annotations": {MARK: state.name if changes else None}}
    api.request("PATCH", CONFIG_MAP, {"metadata": marked, "data": {KEY: ours}}, "application/merge-patch+json")
    remake(api, None)
    if not changes:
        file.unlink()


def restore(api: ClusterApi, state: Path) -> None:
    """Have kube-proxy as it was, should a run have been killed that had changed it."""
    if (state / KEPT).exists():
        restart(api, state, (), {})


def remake(api: ClusterApi, nodes: Collection[str] | None) -> None:
    """Delete the pods of these nodes (nothing: of all), and wait until others are Ready in their place."""
    before = {
        pod["metadata"]["uid"]: pod
        for pod in api.get(OF_KUBE_PROXY)["items"]
        if nodes is None or pod["spec"].get("nodeName") in nodes
    }
    if not before:
        raise ClusterError(
            f"No pod of kube-proxy is to be seen on {', '.join(nodes or ['any node'])}.",
            "It must be the DaemonSet kube-proxy of kube-system.",
        )
    for pod in before.values():
        try:
            api.request("DELETE", f"{PODS}/{pod['metadata']['name']}")
        except ApiError as error:
            if error.status != GONE:
                raise

    def anew() -> bool:
        pods = api.get(OF_KUBE_PROXY)["items"]
        ready = [pod for pod in pods if pod["metadata"]["uid"] not in before and is_ready(pod)]
        gone = not any(pod["metadata"]["uid"] in before for pod in pods)
        on = {pod["spec"].get("nodeName") for pod in ready}
        return gone and on >= {pod["spec"].get("nodeName") for pod in before.values()}

    wait_until(anew, what="kube-proxy's pods becoming Ready again", seconds=READY_SECONDS)


def is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = msgspec.convert(pod.get("status", {}).get("conditions") or [], list[dict[str, Any]])
    return any(part["type"] == "Ready" and part["status"] == "True" for part in conditions)
