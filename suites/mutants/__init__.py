"""Deliberate breakages of a live cluster, each with the checks that must notice it.

A mutant that no check notices survives, and a check that fails under a mutant it has no business with is loose: both
fail `nox -s mutants`. Mutants are looked up here by name; the modules beside this one hold them by API.
"""

from __future__ import annotations

import importlib
import pkgutil

from .model import Mutant


def mutants() -> dict[str, Mutant]:
    """All mutants by name, in the order of their modules. A name used twice is a `ValueError`."""
    found: dict[str, Mutant] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for mutant in getattr(importlib.import_module(f"{__name__}.{module}"), "MUTANTS", ()):
            if mutant.name in found:
                raise ValueError(f"two mutants are called {mutant.name}")
            found[mutant.name] = mutant
    return found
