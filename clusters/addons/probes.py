"""Workloads on a machine that is slow: one killed for being slow starts again, and makes it slower; one that pauses
before it ends, so that every node hears of that first, has to pause for longer."""

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
USUAL_GRACE = 30
USUAL = {"timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3, "initialDelaySeconds": 0}
"""https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes"""


def patient(manifest: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
    """The same object; pods that it makes have probes that wait ``patience`` times as long before they give up, and as
    much longer a pause before they end (``lifecycle.preStop.sleep``)."""
    template = (manifest.get("spec") or {}).get("template")
    if patience == 1 or not isinstance(template, Mapping):
        return manifest
    stretched = copy.deepcopy(dict(manifest))
    pods = stretched["spec"]["template"].get("spec", {})
    for container in pods.get("containers", []):
        for name, settings in STRETCHED.items():
            if probe := container.get(name):
                probe |= {setting: math.ceil(probe.get(setting, USUAL[setting]) * patience) for setting in settings}
        if pause := container.get("lifecycle", {}).get("preStop", {}).get("sleep"):
            longer = math.ceil(pause["seconds"] * patience) - pause["seconds"]
            pause["seconds"] += longer
            pods["terminationGracePeriodSeconds"] = pods.get("terminationGracePeriodSeconds", USUAL_GRACE) + longer
    return stretched
