"""Why a controller does not get ready, as its pods tell: what each waits for, and the last lines that it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clusters.addons.api import ApiError, ClusterApi
from clusters.addons.install import is_ready

LINES = 5
WIDTH = 300
PODS = 3
"""Replicas of one controller fail alike."""


def trouble(api: ClusterApi, namespace: str) -> str:
    """A few lines about a namespace's pods that are not Ready; why there are none where that is so."""
    try:
        pods = api.get(f"/api/v1/namespaces/{namespace}/pods").get("items", [])
        waiting = [pod for pod in pods if not is_ready(pod) and pod["status"].get("phase") != "Succeeded"]
        if not pods:
            return "\n".join(["It has no pods.", *missing(api, namespace)])
        return "\n".join(line for pod in waiting[:PODS] for line in of_pod(api, namespace, pod))
    except ApiError as error:
        return f"Its pods could not be looked at: {error.cause}"


def missing(api: ClusterApi, namespace: str) -> Iterator[str]:
    """What the Deployments of a namespace say of pods that they could not make."""
    for found in api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").get("items", []):
        for condition in found.get("status", {}).get("conditions", []):
            if condition["type"] == "ReplicaFailure":
                yield f"{found['metadata']['name']}: {condition.get('message', '')}"


def of_pod(api: ClusterApi, namespace: str, pod: Mapping[str, Any]) -> Iterator[str]:
    name, status = pod["metadata"]["name"], pod["status"]
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            yield f"{name}: not scheduled: {condition.get('message', '')}"
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if container.get("ready") or container.get("state", {}).get("terminated", {}).get("exitCode") == 0:
            continue
        yield f"{name}, container {container['name']}: {state(container)}"
        yield from last_lines(api, namespace, name, container)


def state(container: Mapping[str, Any]) -> str:
    """``CrashLoopBackOff: back-off …; it ended with status 1 (Error)``."""
    told = [
        ": ".join(filter(None, [detail.get("reason", ""), detail.get("message", "").strip()]))
        for detail in (container.get("state", {}).get(kind) for kind in ("waiting", "terminated"))
        if detail
    ]
    if not told:
        told = ["it runs, and its readiness probe does not succeed"]
    if ended := container.get("lastState", {}).get("terminated"):
        told.append(f"it ended with status {ended.get('exitCode')} ({ended.get('reason', '')})")
    return "; ".join(filter(None, told))[:WIDTH]


def last_lines(api: ClusterApi, namespace: str, pod: str, container: Mapping[str, Any]) -> Iterator[str]:
    """Of the container that runs, or of the one that ended before it."""
    # With times a line is never taken for JSON.
    path = (
        f"/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container['name']}&tailLines={LINES}&timestamps=true"
    )
    for which in ("", "&previous=true"):
        try:
            text = str(api.get(path + which).get("text", ""))
        except ApiError:
            continue  # it has never run, or not twice
        if text.strip():
            yield from (f"  {line.partition(' ')[2][:WIDTH]}" for line in text.strip().splitlines())
            return
