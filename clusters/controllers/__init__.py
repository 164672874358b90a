"""Ingress and Gateway API controllers: a folder each, described by ``controller.toml``, installed the same way."""

from .description import ControllerDescription, describe, described
from .install import apply, wait

__all__ = ["ControllerDescription", "apply", "describe", "described", "wait"]
