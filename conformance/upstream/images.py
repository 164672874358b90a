"""The images of the upstream tests: which are wanted, and their archives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clusters import paths
from clusters.components.catalogue import catalogue
from clusters.errors import ComponentError
from clusters.images import resolve_with
from clusters.images.finding import Finder
from clusters.images.recipes import Image, read, together
from clusters.progress import Progress

RECIPES = Path(__file__).with_name("images.toml")


def known() -> dict[str, Image]:
    """Official name → image that is brought to a cluster for these tests."""
    return together(read(RECIPES), catalogue().upstream_images)


def archives(progress: Progress) -> dict[str, Path]:
    """Official name → archive, pulled or made first if need be."""
    return resolve_with(Finder(paths.cache_folder()), list(known().values()), progress)


def check(wanted: Iterable[str]) -> None:
    """`ComponentError` where the test program wants other versions than we bring: every pod would wait for its image.

    ``wanted`` is what ``e2e.test --list-images`` prints.
    """
    unknown = sorted({*known(), catalogue().images["agnhost"]} - set(wanted))
    if unknown:
        raise ComponentError(
            f"This e2e.test does not know the images {', '.join(unknown)}, which are brought to the cluster for it.",
            "Pin the images that `e2e.test --list-images` names: clusters/components/versions.toml, [upstream-images].",
        )
