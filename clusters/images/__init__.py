"""Images as archives under their official names: pulled where a registry answers, else made from the components.

The archives are what `ctr images import`, `kind load image-archive` and `docker load` take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clusters import paths
from clusters.progress import Progress, SilentProgress

from .finding import Finder
from .recipes import Image, image, images

if TYPE_CHECKING:
    from .making import Ways

__all__ = ["command", "known", "resolve", "source"]


def known() -> list[str]:
    """The official name of every image."""
    return list(images())


def resolve(names: Iterable[str], progress: Progress | None = None) -> dict[str, Path]:
    """Official name → archive, made first if need be.

    `UsageError` for a name that is none, `ComponentError` where an image cannot be had.
    """
    wanted = [image(name, images()) for name in dict.fromkeys(names)]
    return resolve_with(Finder(paths.cache_folder()), wanted, progress or SilentProgress())


def resolve_with(
    finder: Finder, wanted: Sequence[Image], progress: Progress, *, ways: Ways | None = None, thorough: bool = False
) -> dict[str, Path]:
    """`resolve` with another cache or other ways; ``thorough`` hashes every cached archive."""
    missing = []
    for one in wanted:
        if damage := finder.damage(one, thorough=thorough):
            missing.append(one)
            if finder.entry(one):
                progress.say(f"the image {one.key} in the cache is damaged and is made anew: {damage}")
    if missing:
        from .making import Maker  # noqa: PLC0415 - a run that finds everything needs no network library

        Maker(finder, ways).make(missing, progress)
    return {one.name: finder.path(one) for one in wanted}


def source(name: str) -> str:
    """Where the cache has one of our images from: its registry, by digest, or what it was made of here."""
    entry = Finder(paths.cache_folder()).entry(image(name, images()))
    if entry is None:
        return "unknown"
    return f"its registry: {entry.source}" if entry.way == "registry" else f"made here of {entry.source}"


def command(arguments: Sequence[str]) -> int:
    """``python -m clusters images``."""
    from .command_line import run  # noqa: PLC0415

    return run(arguments)
