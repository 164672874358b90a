"""Probes of workloads on a machine that is slow: one killed for being slow starts again, and makes it slower."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

STRETCHED = {
    "startupProbe": ("timeoutSeconds", "failureThreshold"),
    "livenessProbe": ("timeoutSeconds", "periodSeconds", "initialDelaySeconds"),
    "readinessProbe": ("timeoutSeconds",),
}
USUAL = {"timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3, "initialDelaySeconds": 0}
"""https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes"""


def patient(manifest: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
    """The same object; where it makes pods, their probes wait ``patience`` times as long before they give up."""
    template = (manifest.get("spec") or {}).get("template")
    if patience == 1 or not isinstance(template, Mapping):
        return manifest
    stretched = copy.deepcopy(dict(manifest))
    for container in stretched["spec"]["template"].get("spec", {}).get("containers", []):
        for name, settings in STRETCHED.items():
            if probe := container.get(name):
                probe |= {setting: math.ceil(probe.get(setting, USUAL[setting]) * patience) for setting in settings}
    return stretched
