"""Mutants of what a Service says about who is sent where: affinity, preferences, ranges of clients."""

from __future__ import annotations

from copy import deepcopy

from .model import Mutant, Object
from .services import REACH, SERVICES, is_service


def affinity_is_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("sessionAffinity", None)
        changed["spec"].pop("sessionAffinityConfig", None)
    return changed


def affinity_never_ends(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("sessionAffinityConfig", None)
    return changed


MUTANTS = (
    Mutant(
        name="affinity-is-lost",
        breaks="no Service has sessionAffinity ClientIP",
        caught_by=("svc.affinity.clientip", "svc.affinity.timeout"),
        scope=(f"{SERVICES}affinity_clientip.py", f"{SERVICES}affinity_timeout.py", REACH),
        change=affinity_is_lost,
    ),
    Mutant(
        name="affinity-never-ends",
        breaks="Services remember a client for three hours, whatever their timeoutSeconds says",
        caught_by=("svc.affinity.timeout",),
        scope=(f"{SERVICES}affinity_timeout.py", f"{SERVICES}affinity_clientip.py"),
        change=affinity_never_ends,
    ),
)
