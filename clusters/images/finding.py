"""Which images the cache has. Fast: every run begins with it."""

from __future__ import annotations

from pathlib import Path

from clusters.components.catalogue import Catalogue, catalogue
from clusters.components.store import Entry, Store

from .recipes import Image, digest


class Finder:
    """Looks in one cache."""

    def __init__(self, cache: Path, pins: Catalogue | None = None) -> None:
        self.cache = cache
        self.store = Store(cache / "images")
        self._pins = pins or catalogue()

    def key(self, image: Image) -> str:
        return digest(image, self._pins)

    def path(self, image: Image) -> Path:
        """Where an image's archive is, or will be."""
        return self.store.place(image.key, self.key(image)) / "files" / f"{image.key}.tar"

    def entry(self, image: Image) -> Entry | None:
        """What the cache knows of an archive, unchecked."""
        return self.store.entry(image.key, self.key(image))

    def damage(self, image: Image, *, thorough: bool = False) -> str:
        """What is wrong with the cached archive; empty for a whole one. ``thorough`` hashes it."""
        return self.store.damage(image.key, self.key(image), thorough=thorough)
