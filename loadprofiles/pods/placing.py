"""Puts a grid's pods on a cluster and waits until they run; where one does not, says why in a sentence."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from kubernetes.client.exceptions import ApiException

from clusters.errors import ClusterError
from clusters.existing.detection import ATTACH, speaking
from clusters.pod_security import modest
from clusters.provider import Cluster
from clusters.rights import Rights, making
from fixtures.grounds import connection
from fixtures.workloads import Namespace

MANIFEST = Path(__file__).parent.parent / "manifests" / "grid.yaml"
MASTER, WORKER = "load-master", "load-worker"
"""Name and label ``app`` of the manifest's pods."""
LOOK_EVERY = 0.2
LAST = 4
"""Events, and lines of a log, that explain a failure."""
WIDTH = 300
"""Characters of each: a record is a line, too."""
NO_IMAGE = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"})
"""Why a container waits, where it waits in vain."""
NAME_ANOTHER = "Name an image that the nodes have or can pull: --grid-image NAME."


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """What a pod lacks to be Ready."""

    why: str = ""
    """As the end of a sentence that begins with the pod; empty where it lacks nothing."""
    hopeless: bool = False
    """Waiting is in vain."""
    cure: str = ""


def check_rights(cluster: Cluster) -> None:
    """`ClusterError` with a sentence for each right that a grid of pods takes and the user has not got."""
    if cluster.administrator:
        return
    namespace = (cluster.namespaces or [""])[0]
    wanted = [*making("pods", "", [namespace]), *speaking(ATTACH, [namespace])]
    if missing := Rights(connection(cluster.kubeconfig), cluster.namespaces).missing(wanted):
        raise ClusterError("\n".join(missing))


class Pods:
    """A grid's pods in a namespace; they go with it."""

    def __init__(self, namespace: Namespace, image: str, wait_seconds: float) -> None:
        self._namespace = namespace
        self._image = image
        self._wait_seconds = wait_seconds

    def put(self, app: str, *more: str) -> str:
        """Create a pod, its arguments followed by ``more``; its name. `ClusterError` where the cluster refuses it."""
        (pod,) = [found for found in self._namespace.read(MANIFEST) if found["metadata"]["name"] == app]
        name = pod["metadata"]["name"] = f"{app}-{secrets.token_hex(3)}"
        (container,) = pod["spec"]["containers"]
        container["image"] = self._image
        container["args"] += more
        refused = self._namespace.refusal(modest(pod, self._namespace.pods_run_as))
        if refused and refused.status == 403 and container.pop("securityContext", None):
            refused = self._namespace.refusal(modest(pod, self._namespace.pods_run_as))
        if refused:
            raise ClusterError(f"The cluster refuses pod {name}: {refused.message.rstrip('.')}.")
        return name

    def wait(self, names: Sequence[str]) -> list[Any]:
        """The pods, once each is Ready. `ClusterError` where one ended, cannot start, or takes too long."""
        deadline = time.monotonic() + self._wait_seconds
        while True:
            found = {pod.metadata.name: pod for pod in self._every()}
            lacking = {name: lack(found.get(name)) for name in names}
            for name, one in lacking.items():
                if one.hopeless:
                    raise ClusterError(f"Pod {name} {one.why}.", one.cure or self.explained(name))
                if one.why and time.monotonic() > deadline:
                    told = f"Pod {name} was not Ready within {self._wait_seconds:g} s: it {one.why}."
                    raise ClusterError(told, self.explained(name))
            if not any(one.why for one in lacking.values()):
                return [found[name] for name in names]
            time.sleep(LOOK_EVERY)

    def living(self, app: str) -> list[Any]:
        """Pods that have not ended and are not told to."""
        return [pod for pod in self._every() if pod.metadata.labels["app"] == app and not lack(pod).hopeless]

    def explained(self, name: str) -> str:
        """A pod's last events and the last lines of its log, as far as they may be seen."""
        told: list[str] = []
        with contextlib.suppress(ApiException):
            events = [line.partition(f"Pod/{name} ")[2] for line in self._namespace.events() if f"Pod/{name} " in line]
            told.append(last("events", events))
        with contextlib.suppress(ApiException):
            log = self._namespace.api.core.read_namespaced_pod_log(name, self._namespace.name, tail_lines=LAST)
            told.append(last("lines", (log or "").splitlines()))
        return " ".join(filter(None, told))

    def _every(self) -> list[Any]:
        selector = f"app in ({MASTER},{WORKER})"
        found: list[Any] = self._namespace.api.core.list_namespaced_pod(
            self._namespace.name, label_selector=selector
        ).items
        return found


def lack(pod: Any | None) -> Lack:
    """Of a pod as the API tells it; ``None`` where it tells nothing."""
    if pod is None or pod.metadata.deletion_timestamp is not None:
        return Lack(why="was deleted", hopeless=True)
    state = next((part.state for part in pod.status.container_statuses or [] if part.state), None)
    if pod.status.phase in {"Failed", "Succeeded"}:
        status = f" with status {state.terminated.exit_code}" if state and state.terminated else ""
        why = ": ".join(filter(None, [f"ended{status}", pod.status.reason, pod.status.message]))
        return Lack(why=why.rstrip("."), hopeless=True)
    conditions = {part.type: part for part in pod.status.conditions or []}
    if (ready := conditions.get("Ready")) and ready.status == "True":
        return Lack()
    if state and state.waiting and state.waiting.reason:
        why = f"waits: {state.waiting.reason}{f', {state.waiting.message}' if state.waiting.message else ''}".rstrip(
            "."
        )
        hopeless = state.waiting.reason in NO_IMAGE
        return Lack(why=why, hopeless=hopeless, cure=NAME_ANOTHER if hopeless else "")
    if (scheduled := conditions.get("PodScheduled")) and scheduled.status == "False":
        return Lack(why=f"has no node: {scheduled.message or scheduled.reason or ''}".rstrip("."))
    return Lack(why=f"is {pod.status.phase}")


def last(what: str, lines: Sequence[str]) -> str:
    """Some of them as a sentence; nothing where there are none."""
    words = " | ".join(line[:WIDTH].rstrip(".") for line in lines[-LAST:])
    return f"Its last {what}: {words}." if words else ""
