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

RECIPES = {name: Path(__file__).with_name(f"images_{name.replace('-', '_')}.toml") for name in ("k8s", "gateway-api")}


def known(suite: str) -> dict[str, Image]:
    """Official name → image that is brought to a cluster for a suite's tests."""
    return together(read(RECIPES[suite]), catalogue().upstream_images[suite])


def archives(suite: str, progress: Progress) -> dict[str, Path]:
    """Official name → archive, pulled or made first if need be."""
    return resolve_with(Finder(paths.cache_folder()), list(known(suite).values()), progress)


def check(wanted: Iterable[str]) -> None:
    """`ComponentError` where the test program wants other versions than we bring: every pod would wait for its image.

    ``wanted`` is what ``e2e.test --list-images`` prints.
    """
    unknown = sorted({*known("k8s"), catalogue().images["agnhost"]} - set(wanted))
    if unknown:
        raise ComponentError(
            f"This e2e.test does not know the images {', '.join(unknown)}, which are brought to the cluster for it.",
            "Pin what `e2e.test --list-images` names: clusters/components/versions.toml, [upstream-images.k8s].",
        )
