"""Images that are not ours, as archives out of their registries: for clusters that nothing else can bring them to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from clusters.components.catalogue import architecture
from clusters.components.store import disk_errors
from clusters.errors import ComponentError
from clusters.progress import Progress

if TYPE_CHECKING:
    from .registry import Registry

FOLDER = "controller-images"
CURE = "Name an archive of it (docker save) in controller.toml: archives; or choose the provider kind."


def pull(names: Sequence[str], cache: Path, progress: Progress, *, scheme: str = "https") -> dict[str, Path]:
    """Full name → archive of what its tag leads to now. `ComponentError` where a registry does not give it."""
    if not names:
        return {}
    from clusters.components.web import Web  # noqa: PLC0415 - its library takes a while, and is needed only here

    from .registry import Registry  # noqa: PLC0415 - as above

    with Web() as web:
        registries = {name: Registry(web, name, scheme=scheme) for name in names}
        web.probe(registry.address for registry in registries.values())
        for name, registry in registries.items():
            if not web.answers(registry.address):
                raise ComponentError(
                    f"The image {name} cannot be had: {name.partition('/')[0]} does not answer, and an embedded "
                    "cluster has no other way to an image that is not ours.",
                    CURE,
                )
        return {name: _pulled(registry, name, cache / FOLDER, progress) for name, registry in registries.items()}


def _pulled(registry: Registry, name: str, folder: Path, progress: Progress) -> Path:
    """A tag may be moved, so it is asked for each time; what it leads to is pulled once."""
    try:
        key = hashlib.sha256(f"{name}@{registry.digest()}".encode()).hexdigest()[:16]
        archive = folder / key / "image.tar"
        with disk_errors(folder):
            archive.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(archive.with_suffix(".lock")):
            if not archive.exists():
                draft = archive.with_suffix(".draft")
                registry.pull(draft, architecture(), progress)
                draft.rename(archive)
    except ComponentError as error:
        raise ComponentError(f"The image {name} cannot be had: {error.cause}", CURE) from error
    return archive
