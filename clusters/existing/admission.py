"""Which Pod Security level pods of ours meet, found by creating pods with ``dryRun=All``: nothing is stored.

https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

from clusters.addons.api import ApiError
from clusters.pod_security import ENFORCE, modest

from .capabilities import Level
from .reading import FORBIDDEN, Object, Reader

IMAGE = "registry.k8s.io/pause:3.10"


def pod(**spec: object) -> Object:
    container = {"name": "pause", "image": IMAGE}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "roadtest-"},
        "spec": {"containers": [container], **spec},
    }


def level(reader: Reader, namespace: str, *, own: bool, asked: str, user: int) -> tuple[Level, str]:
    """The level, and how it is known. ``own``: the checks run in ``namespace`` itself, not in ones that we make."""
    if asked and not own:
        return level_named(asked), f"{asked}: our namespaces are labelled so"
    metadata = (reader.one(f"namespace {namespace}", f"/api/v1/namespaces/{namespace}") or {}).get("metadata", {})
    if labelled := metadata.get("labels", {}).get(ENFORCE, ""):
        if own:
            return level_named(labelled), f"{labelled}: namespace {namespace} is labelled so"
        return "unknown", f"not known: {namespace}, the namespace to try it in, has a label of its own"
    return tried(reader, namespace, user)


def tried(reader: Reader, namespace: str, user: int) -> tuple[Level, str]:
    """The level by what is refused there."""
    if told := refused(reader, namespace, modest(pod(), user)):
        return "unknown", f"even a restricted pod is refused in {namespace}: {told}"
    if told := refused(reader, namespace, pod()):
        return "restricted", f"restricted, as tried in {namespace}: {told}"
    if told := refused(reader, namespace, pod(hostNetwork=True)):
        return "baseline", f"baseline, as tried in {namespace}: {told}"
    return "privileged", f"privileged, as tried in {namespace}"


def level_named(name: str) -> Level:
    return next((known for known in ("privileged", "baseline", "restricted") if known == name), "unknown")


def refused(reader: Reader, namespace: str, manifest: Object) -> str:
    """The words that refuse a pod; empty where it would be taken."""
    try:
        reader.api.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", manifest)
    except ApiError as error:
        if error.status == FORBIDDEN:
            return error.cause.partition("forbidden: ")[2][:200] or error.cause[-200:]
    return ""
