"""Where the network namespaces of pods are, from containerd's own records on a node."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

RECORDS = "run/containerd/io.containerd.runtime.v2.task/k8s.io"


def netns(root: Path, namespace: str, pod: str) -> str | None:
    """Path of a pod's network namespace below a node's root, from containerd's own record of its sandbox.

    Empty for a pod of the host's network; nothing where the node does not run the pod.
    """
    for file in (root / RECORDS).glob("*/config.json"):
        with suppress(OSError, ValueError):
            bundle = json.loads(file.read_bytes())
            notes = bundle.get("annotations", {})
            if (
                notes.get("io.kubernetes.cri.container-type") == "sandbox"
                and notes.get("io.kubernetes.cri.sandbox-namespace") == namespace
                and notes.get("io.kubernetes.cri.sandbox-name") == pod
            ):
                spaces = {space["type"]: space.get("path", "") for space in bundle["linux"]["namespaces"]}
                # Links are followed from this machine's root, so the path must hold none.
                return re.sub("^/var/run/", "/run/", str(spaces.get("network", "")))
    return None
