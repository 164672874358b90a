"""Ingress and Gateway API controllers: a folder each, described by ``controller.toml``, installed the same way."""

from .charts import check
from .claims import check as no_class_twice
from .description import ControllerDescription, describe, described, not_verified
from .install import apply, wait
from .manifests import Needed, components_of, image_sources, needed, versions

__all__ = [
    "ControllerDescription",
    "Needed",
    "apply",
    "check",
    "components_of",
    "describe",
    "described",
    "image_sources",
    "needed",
    "no_class_twice",
    "not_verified",
    "versions",
    "wait",
]
