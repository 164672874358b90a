"""Ingress and Gateway API controllers: a folder each, described by ``controller.toml``, installed the same way."""

from .charts import check, programs
from .claims import check as no_class_twice
from .description import ControllerDescription, describe, described, not_verified
from .install import apply, wait
from .manifests import Needed, needed, parts_of, versions

__all__ = [
    "ControllerDescription",
    "Needed",
    "apply",
    "check",
    "describe",
    "described",
    "needed",
    "no_class_twice",
    "not_verified",
    "parts_of",
    "programs",
    "versions",
    "wait",
]
