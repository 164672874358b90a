"""What recipes.toml says, as values, and which image is which."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import msgspec

from clusters.components.catalogue import Catalogue, architecture, catalogue, recipe_digest
from clusters.errors import UsageError

FILE = Path(__file__).with_name("recipes.toml")
OVERLAYS = Path(__file__).with_name("overlays")
FORM = "1"
"""Part of every key: raise it when archives are made in another way."""


class DebianRoot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Programs out of Debian packages, with the libraries that they and the image's own files load; nothing else."""

    packages: list[str]
    programs: list[str] = []
    """The image's own files come to it with their libraries anyway."""
    links: dict[str, str] = {}
    """Further names of programs."""
    applets: list[str] = []
    """Names under which busybox is called."""
    plugins: list[str] = []
    """Patterns of paths: what programs load or read by name while they run, so that no list of libraries tells."""
    suite: str = ""
    """Where the packages of this machine's apt are too old: another suite of Debian."""


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A change to a file of a component: what stands from one place to another is replaced."""

    start: str
    """Is there once."""
    end: str = ""
    """The first of these after the start, which stays; empty: only the start is replaced."""
    text: str


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an image is put together."""

    files: dict[str, str] = {}
    """Path in the image → program of a component."""
    data: dict[str, str] = {}
    """Path in the image → ``component/path``: a file or folder of a component that is a folder."""
    edits: dict[str, list[Edit]] = {}
    """Path in the image of such a file → how it is changed."""
    overlay: str = ""
    """A folder of overlays/ whose files come as they are."""
    texts: dict[str, str] = {}
    """Path in the image → what the file says."""
    folders: list[str] = []
    links: dict[str, str] = {}
    """Path in the image → where the link points."""
    entrypoint: list[str]
    cmd: list[str] = []
    user: str = ""
    owners: dict[str, tuple[int, int]] = {}
    """Path in the image → user and group of it, and of all that is below it."""
    binding: list[str] = []
    """Programs that listen on ports below 1024 although root does not run them: they get the file capability."""
    debian: DebianRoot | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image that clusters use."""

    key: str
    """Its short name: ``coredns``."""
    name: str
    """Its official name, ``registry/repository:tag``."""
    recipe: Recipe

    @property
    def tag(self) -> str:
        return self.name.rpartition(":")[2]


@functools.cache
def images() -> dict[str, Image]:
    """Official name → image."""
    pins = catalogue()
    return together(read(FILE), {**pins.images, **pins.controller_images, **pins.addon_images})


def of_every_cluster() -> dict[str, Image]:
    """Those of `images` that a cluster has whatever its controllers are."""
    return {name: images()[name] for name in catalogue().images.values()}


def read(path: Path) -> dict[str, Recipe]:
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, Recipe])


def together(recipes: dict[str, Recipe], names: dict[str, str]) -> dict[str, Image]:
    """Recipes under their official names; each has one, and the other way round."""
    if recipes.keys() != names.keys():
        raise ValueError(f"recipes and official names differ: {sorted(recipes.keys() ^ names.keys())}")
    return {names[key]: Image(key=key, name=names[key], recipe=recipe) for key, recipe in recipes.items()}


def image(name: str, known: dict[str, Image]) -> Image:
    """By official or short name; `UsageError` listing the right ones."""
    for candidate in known.values():
        if name in {candidate.name, candidate.key}:
            return candidate
    raise UsageError(f"There is no image called {name!r}.", f"Images: {', '.join(known)}.")


def component_of(file: str) -> str:
    """The component of a `Recipe.data` file."""
    return file.partition("/")[0]


def overlay(recipe: Recipe) -> dict[str, bytes]:
    """Path in the image → what the file of our own says."""
    folder = OVERLAYS / recipe.overlay
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if recipe.overlay else []
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def digest(image: Image, pins: Catalogue) -> str:
    """Changes with anything that an image is made from: its recipe, and the pins of its components."""
    made_from = hashlib.sha256(f"{FORM}\0{image.name}\0{architecture()}\0".encode())
    made_from.update(msgspec.json.encode(image.recipe, order="sorted"))
    for part in sorted([*image.recipe.files.values(), *map(component_of, image.recipe.data.values())]):
        made_from.update(recipe_digest(pins.components[pins.holder(part)], pins).encode())
    for path, data in overlay(image.recipe).items():
        made_from.update(f"{path}\0{len(data)}\0".encode() + data)
    return f"{image.tag}-{made_from.hexdigest()[:12]}"
