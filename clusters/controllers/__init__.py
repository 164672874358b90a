"""Ingress and Gateway API controllers: a folder each, described by ``controller.toml``, installed the same way."""

from .description import ControllerDescription, describe, described
from .install import apply, wait
from .manifests import Needed, needed, parts_of, versions

__all__ = [
    "ControllerDescription",
    "Needed",
    "apply",
    "describe",
    "described",
    "needed",
    "parts_of",
    "versions",
    "wait",
]
