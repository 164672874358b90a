"""The programs and manifests that a cluster is made of: pinned in versions.toml, had by the first way that works.

PATH, cache, official release, wheel on PyPI, `go build` from committed sums. `resolve` says where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clusters import paths
from clusters.progress import Progress, SilentProgress

from .catalogue import catalogue
from .finding import Finder, program_path

__all__ = ["command", "known", "resolve"]


def known() -> list[str]:
    """Every component."""
    return catalogue().names()


def resolve(names: Sequence[str], progress: Progress | None = None) -> dict[str, Path]:
    """Where each of these is on this machine, made first if need be.

    A name is a component, or one program of a component that has several (``ptp`` of ``cni-plugins``). `UsageError`
    for a name that is neither, `ComponentError` where one cannot be had.
    """
    return resolve_with(Finder(catalogue(), paths.cache_folder()), names, progress or SilentProgress())


def resolve_with(
    finder: Finder, names: Sequence[str], progress: Progress, *, thorough: bool = False
) -> dict[str, Path]:
    """`resolve` with another catalogue or cache; ``thorough`` hashes every cached file."""
    holders = {name: finder.catalogue.holder(name) for name in names}
    found = {name: finder.find(name, thorough=thorough) for name in dict.fromkeys(holders.values())}
    if missing := [name for name, where in found.items() if where is None]:
        for name in missing:
            if finder.cached(name):
                progress.say(
                    f"{name} in the cache is damaged and is made anew: {finder.damage(name, thorough=thorough)}"
                )
        from .obtaining import Obtainer  # noqa: PLC0415 - a run that finds everything needs no network library

        found.update(Obtainer(finder, progress).obtain(missing))
    return {
        name: program_path(where, finder.catalogue.components[holder], name)
        for name, holder in holders.items()
        if (where := found[holder])
    }


def command(arguments: Sequence[str]) -> int:
    """``python -m clusters components``."""
    from .command_line import run  # noqa: PLC0415

    return run(arguments)
