"""A controller's manifests, and the images that it takes to run them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clusters import components, images
from clusters.addons.manifests import load_file
from clusters.components.catalogue import catalogue
from clusters.errors import UsageError
from clusters.images.archive import names_in
from clusters.images.names import full_name

from . import charts, folders
from .description import describe, folder_of


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """What controllers need besides the images that every cluster has."""

    ours: list[str] = []
    """Full names of images that we know how to make."""
    names: list[str] = []
    """Full names of others' images that are in no archive of theirs."""
    archives: dict[str, Path] = {}
    """Full name → the archive that has it."""


def manifests(name: str) -> list[dict[str, Any]]:
    """The objects of a controller: of its charts, then of its files by name; `UsageError` where they cannot be read."""
    folder = folder_of(name) / "manifests"
    found = list(charts.rendered(name))
    for path in sorted(folder.glob("*.yaml")):
        try:
            found += load_file(path)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    if not found:
        raise UsageError(f"There is no manifest in {folder}.", "Put there what a user would kubectl apply, as *.yaml.")
    return found


def definitions(name: str) -> list[dict[str, Any]]:
    """The definitions of a controller's own kinds, out of its component."""
    parts = [part.partition("/") for part in describe(name).definitions]
    files = components.resolve(list(dict.fromkeys(component for component, _, _ in parts)))
    return [
        found
        for component, _, file in parts
        for path in ([files[component] / file] if file else sorted(files[component].glob("*.yaml")))
        for found in load_file(path)
    ]


def components_of(controllers: Sequence[str]) -> list[str]:
    """The components that installing these controllers takes: of their kinds' definitions, and what renders charts."""
    described = [describe(name) for name in controllers]
    found = [part.partition("/")[0] for one in described for part in one.definitions]
    return list(dict.fromkeys([*found, *(part for one in described for part in charts.components_of(one))]))


def needed(controllers: Sequence[str]) -> Needed:
    """Which images these controllers need that not every cluster has.

    `UsageError` where one could not be found on a node: a cluster has no way out, so a node has what it is given.
    """
    wanted: dict[str, None] = {}
    archives: dict[str, Path] = {}
    for name in controllers:
        archives |= {full: path for path in archives_of(name) for full in names_in(path)}
        wanted |= dict.fromkeys([*map(full_name, describe(name).images), *images_of(name)])
    missing = [image for image in wanted if image not in archives.keys() | set(catalogue().images.values())]
    ours = set(catalogue().controller_images.values())
    return Needed(
        ours=[image for image in missing if image in ours],
        names=[image for image in missing if image not in ours],
        archives=archives,
    )


def image_sources(controllers: Sequence[str], others: str) -> dict[str, str]:
    """``image NAME`` → where it came from, of all that `needed` tells; ``others``: where those do that are not ours."""
    found = needed(controllers)
    told = {name: images.source(name) for name in found.ours} | dict.fromkeys(found.names, others)
    told |= {name: f"{path.name}, an archive beside its controller.toml" for name, path in found.archives.items()}
    return {f"image {name}": where for name, where in told.items()}


def archives_of(name: str) -> list[Path]:
    paths = [folder_of(name) / archive for archive in describe(name).archives]
    if missing := [path for path in paths if not path.is_file()]:
        raise UsageError(f"The controller {name} names an archive that is not there: {missing[0]}.")
    return paths


def images_of(name: str) -> Iterator[str]:
    """Full names of the images in a controller's manifests."""
    for manifest in manifests(name):
        for container in containers(manifest):
            image = str(container["image"])
            if "@" in image:
                raise UsageError(
                    f"The manifests of {name} name the image {image} by its digest, and a node could not find it so.",
                    "Name it by its tag.",
                )
            full = full_name(image)
            if container.get("imagePullPolicy", "Always" if full.endswith(":latest") else "") == "Always":
                raise UsageError(
                    f"The manifests of {name} have the image {image} pulled at every start, and a cluster has no way "
                    "out.",
                    "Write imagePullPolicy: IfNotPresent.",
                )
            yield full


def containers(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every container below a part of a manifest."""
    if isinstance(part, list):
        for one in part:
            yield from containers(one)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in {"containers", "initContainers"} and isinstance(value, list):
                yield from (one for one in value if isinstance(one, dict) and one.get("image"))
            else:
                yield from containers(value)


def versions(controllers: Sequence[str]) -> dict[str, str]:
    """Controller → the pinned version of our component, or the charts or the image that another was judged in."""
    found: dict[str, str] = {}
    for name in controllers:
        controller = describe(name)
        if folders.is_own(name) and controller.component:
            found[name] = catalogue().components[controller.component].version
        else:
            found[name] = ", ".join(f"chart {one.name} {one.version}" for one in controller.charts) or controller.image
    return found
