"""Restarts kube-proxy where it runs as kubeadm sets it up: a DaemonSet of kube-system, one ConfigMap for all nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clusters.addons.api import ClusterApi, wait_until
from clusters.errors import ClusterError
from clusters.merging import merged

PODS = "/api/v1/namespaces/kube-system/pods"
OF_KUBE_PROXY = f"{PODS}?labelSelector=k8s-app%3Dkube-proxy"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
KEY = "config.conf"
FIRST = "kube-proxy-config.yaml"
"""The configuration as it was before the first change."""
READY_SECONDS = 60.0


def restart(api: ClusterApi, state: Path, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
    """Have the pods of these nodes made anew, with ``changes`` merged into the configuration as it was at first.

    There is one configuration: where it becomes another, kube-proxy is restarted on every node. ``state`` is the
    cluster's folder, where the first one is kept.
    """
    kept = state / FIRST
    now = str(api.get(CONFIG_MAP)["data"][KEY])
    if not kept.exists():
        kept.write_text(now, encoding="utf-8")
    first = kept.read_text(encoding="utf-8")
    wanted = yaml.safe_dump(merged(yaml.safe_load(first), changes), sort_keys=False) if changes else first
    if wanted != now:
        patch = {"data": {KEY: wanted}}
        api.request("PATCH", CONFIG_MAP, patch, "application/merge-patch+json")
    before = {
        pod["metadata"]["uid"]: pod
        for pod in api.get(OF_KUBE_PROXY)["items"]
        if wanted != now or pod["spec"].get("nodeName") in nodes
    }
    if not before:
        raise ClusterError(
            f"No pod of kube-proxy is to be seen on {', '.join(nodes)}.",
            "It must be the DaemonSet kube-proxy of kube-system.",
        )
    for pod in before.values():
        api.request("DELETE", f"{PODS}/{pod['metadata']['name']}")

    def anew() -> bool:
        pods = api.get(OF_KUBE_PROXY)["items"]
        ready = [pod for pod in pods if pod["metadata"]["uid"] not in before and is_ready(pod)]
        gone = not any(pod["metadata"]["uid"] in before for pod in pods)
        on = {pod["spec"].get("nodeName") for pod in ready}
        return gone and on >= {pod["spec"].get("nodeName") for pod in before.values()}

    wait_until(anew, what="kube-proxy's pods becoming Ready again", seconds=READY_SECONDS)


def restore(api: ClusterApi, state: Path) -> None:
    """Have kube-proxy as it was, should a run have been killed that had changed it."""
    kept = state / FIRST
    if kept.exists() and kept.read_text(encoding="utf-8") != api.get(CONFIG_MAP)["data"][KEY]:
        restart(api, state, (), {})


def is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = msgspec.convert(pod.get("status", {}).get("conditions") or [], list[dict[str, Any]])
    return any(part["type"] == "Ready" and part["status"] == "True" for part in conditions)
