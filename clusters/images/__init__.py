"""Images as archives under their official names: pulled where a registry answers, else made from the components.

The archives are what `ctr images import`, `kind load image-archive` and `docker load` take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from clusters import paths
from clusters.progress import Progress, SilentProgress

from .recipes import image, images

__all__ = ["command", "known", "resolve"]


def known() -> list[str]:
    """The official name of every image."""
    return list(images())


def resolve(names: Iterable[str], progress: Progress | None = None) -> dict[str, Path]:
    """Official name → archive, made first if need be.

    `UsageError` for a name that is none, `ComponentError` where an image cannot be had.
    """
    wanted = [image(name, images()) for name in dict.fromkeys(names)]
    from .making import Maker  # noqa: PLC0415 - the command line lists names without any of it

    return Maker(paths.cache_folder()).have(wanted, progress or SilentProgress())


def command(arguments: Sequence[str]) -> int:
    """``python -m clusters images``."""
    from .command_line import run  # noqa: PLC0415

    return run(arguments)
