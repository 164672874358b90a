"""Pod Security: a pod that the level ``restricted`` admits, where it has no reason to be more.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

import copy
from typing import Any

ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("privileged", "baseline", "restricted")
OF_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
OF_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
MORE = ("hostNetwork", "hostPID", "hostIPC")
"""Fields of a pod that no security context makes ``restricted`` admit."""


def modest(manifest: dict[str, Any], user: int) -> dict[str, Any]:
    """The object with pods that ask for no more than they need; what the manifest itself says stays.

    Pods of a node's own network, and what is no workload, stay as they are. ``user`` is whom they run as, any but root:
    our images start as whoever they are told to. 0 leaves it to the cluster, as OpenShift wants it.
    """
    spec = manifest.get("spec")
    template = manifest["kind"] != "Pod" and isinstance(spec, dict) and isinstance(spec.get("template"), dict)
    if manifest["kind"] != "Pod" and not template:
        return manifest
    made = copy.deepcopy(manifest)
    pod = made["spec"]["template"].get("spec") if template else made["spec"]
    if not isinstance(pod, dict) or "containers" not in pod or any(pod.get(field) for field in MORE):
        return manifest
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    if any(container.get("securityContext", {}).get("runAsUser") == 0 for container in containers):
        return manifest  # one that says it must be root is no better for the rest
    pod["securityContext"] = OF_POD | ({"runAsUser": user} if user else {}) | pod.get("securityContext", {})
    for container in containers:
        container["securityContext"] = OF_CONTAINER | container.get("securityContext", {})
    return made
