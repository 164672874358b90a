"""What a mutant is: one thing broken on purpose, and the features whose checks must fail because of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import msgspec

from clusters.provider import MODES, Cluster
from fixtures.workloads import Namespace

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as parsed YAML; `Any` because its fields are the API's, not ours."""

Change: TypeAlias = Callable[[Object, str], Object]
"""Given an object about to be applied and the id of the feature under test: the object to apply instead."""

AfterReady: TypeAlias = Callable[[Cluster, Namespace, str], None]
"""Disturbs one test's namespace once its workloads are ready and before it judges; gets the feature's id too."""

During: TypeAlias = Callable[[Cluster], AbstractContextManager[None]]
"""Disturbs the whole cluster while the checks run, and puts everything back."""


AfterRestart: TypeAlias = Callable[[Cluster, str], None]
"""Disturbs a node, given by its name, whose kube-proxy a check has just restarted."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One deliberate breakage: at least one of `change`, `after_ready`, `after_restart` and `during`.

    Prefer a mutant that acts on everything in its scope (every Service with externalTrafficPolicy Local, every Exact
    path) over one aimed at a single test: only then does "and only it" say something.
    """

    name: str
    """Short and readable: ``exact-becomes-prefix``."""
    breaks: str
    """A sentence: what is wrong on the cluster now."""
    caught_by: tuple[str, ...]
    """Features whose verdict must be failed; every other feature in the scope must pass as before."""
    scope: tuple[str, ...]
    """pytest paths that are run against it: the catching checks and their bystanders."""
    modes: tuple[str, ...] = MODES
    controllers: tuple[str, ...] = ()
    """Folders of the controllers that it knows how to break; empty: any."""
    dual_stack: bool = False
    """It takes a cluster of two IP families; others are tried in a cluster of one."""
    change: Change | None = None
    after_ready: AfterReady | None = None
    after_restart: AfterRestart | None = None
    during: During | None = None
