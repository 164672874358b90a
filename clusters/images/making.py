"""Makes images: from their registries where these answer, else by recipe."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec

from clusters import components
from clusters.components.catalogue import architecture
from clusters.components.locks import alone
from clusters.components.store import Entry, disk_errors
from clusters.components.web import Web
from clusters.errors import ComponentError
from clusters.progress import Progress

from . import archive, debian
from .finding import Finder
from .layers import Member, TarStream, Tree, file, folder, link, program, with_parents
from .recipes import DebianRoot, Edit, Image, Recipe, component_of, overlay
from .registry import Registry

PULLS_AT_ONCE = 4
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOT_FILES: Tree = {
    "etc/group": file(b"root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n"),
    "etc/nsswitch.conf": file(b"hosts: files dns\n"),
    "etc/passwd": file(
        b"root:x:0:0:root:/root:/bin/sh\n"
        b"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        b"nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin\n"
    ),
    "root": folder(0o700),
    "tmp": folder(0o1777),
}

Resolve = Callable[[Sequence[str], Progress], Mapping[str, Path]]
FetchPackages = Callable[[Sequence[str], Path, Progress, str], debian.Packages]
OpenRegistry = Callable[[Web, str], Registry]


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """From where the parts of images come; tests put miniatures here."""

    components: Resolve = components.resolve
    packages: FetchPackages = debian.fetch
    registry: OpenRegistry = Registry


class Maker:
    """Makes images in one cache."""

    def __init__(self, finder: Finder, ways: Ways | None = None) -> None:
        self._finder = finder
        self._store = finder.store
        self._ways = ways or Ways()

    def make(self, images: Sequence[Image], progress: Progress) -> None:
        """Have each of these in the cache, whole."""
        with contextlib.ExitStack() as locked:
            # In one order everywhere: two runs that want several of the same never wait for each other in a ring.
            for image in sorted(images, key=lambda image: image.key):
                locked.enter_context(self._locked(image, progress))
            images = [
                image for image in images if self._finder.damage(image)
            ]  # another run may have made some meanwhile
            with Web() as web:
                left = self._pull(images, web, progress)
            self._build(left, progress)

    def _locked(self, image: Image, progress: Progress) -> contextlib.AbstractContextManager[None]:
        """Nobody else makes this image at the same time."""
        waiting = f"image {image.key}: another run makes it; waiting"
        return alone(self._finder.cache, f"image-{image.key}", waiting, progress)

    def _pull(self, images: Sequence[Image], web: Web, progress: Progress) -> list[Image]:
        """Take from registries what they give; what is left."""
        registries = {image.name: self._ways.registry(web, image.name) for image in images}
        web.probe(registry.address for registry in registries.values())
        silent = [image for image in images if not web.answers(registries[image.name].address)]
        answered = [image for image in images if image not in silent]
        if silent:
            hosts = sorted({image.name.partition("/")[0] for image in silent})
            progress.say(f"no answer from {', '.join(hosts)}: images are made from the components")
        left = {image.name: image for image in silent}
        with ThreadPoolExecutor(max_workers=PULLS_AT_ONCE) as pool:
            try:
                pulls = {
                    pool.submit(self._pull_one, image, registries[image.name], progress): image for image in answered
                }
                for pull in as_completed(pulls):
                    try:
                        pull.result()
                    except ComponentError as error:
                        progress.say(f"{pulls[pull].key}: not from its registry: {error}")
                        left[pulls[pull].name] = pulls[pull]
            except BaseException:
                web.stop.set()
                raise
        return [image for image in images if image.name in left]

    def _pull_one(self, image: Image, registry: Registry, progress: Progress) -> None:
        def pull(target: Path) -> str:
            return f"{image.name}@{registry.pull(target, architecture(), progress)}"

        self._install(image, "registry", pull, progress)

    def _build(self, images: Sequence[Image], progress: Progress) -> None:
        """Make images from components."""
        parts = {part for image in images for part in image.recipe.files.values()}
        parts |= {component_of(file) for image in images for file in image.recipe.data.values()}
        files = self._ways.components(sorted(parts), progress) if parts else {}
        for image in images:
            with progress.task(f"image {image.key}"):
                self._build_one(image, files, progress)

    def _build_one(self, image: Image, files: Mapping[str, Path], progress: Progress) -> None:
        recipe = image.recipe

        def build(target: Path) -> str:
            layers = [dict(ROOT_FILES)]
            parts = sorted([*recipe.files.values(), *recipe.data.values()])
            if recipe.debian:
                guests = [files[name] for name in recipe.files.values()]
                layers[0] |= self._debian_root(recipe.debian, guests, progress)
                parts.append(f"Debian's {', '.join(recipe.debian.packages)}")
            layers.append(own_files(recipe, files))
            trees = [owned(with_parents(tree), recipe) for tree in layers]
            archive.build(target, image.name, architecture(), [TarStream(tree) for tree in trees], settings(image))
            return ", ".join(parts)

        self._install(image, "recipe", build, progress)

    def _debian_root(self, wanted: DebianRoot, guests: Sequence[Path], progress: Progress) -> Tree:
        with disk_errors(self._store.folder), tempfile.TemporaryDirectory(dir=self._store.folder) as place:
            packages = self._ways.packages(wanted.packages, Path(place), progress, wanted.suite)
            return debian.tree(packages, wanted, (guest.read_bytes() for guest in guests))

    def _install(self, image: Image, way: str, make: Callable[[Path], str], progress: Progress) -> None:
        began = time.monotonic()
        with self._store.draft(image.key) as draft:
            (draft / "files").mkdir()
            source = make(draft / "files" / f"{image.key}.tar")
            seconds = round(time.monotonic() - began, 1)
            self._store.install(
                draft,
                self._finder.key(image),
                Entry(name=image.key, version=image.tag, way=way, source=source, seconds=seconds, files={}),
            )
        progress.say(f"image {image.key}: {way}, {seconds:.1f} s")


def own_files(recipe: Recipe, components: Mapping[str, Path]) -> Tree:
    """What a recipe names itself."""
    tree: Tree = {
        **{path: folder() for path in recipe.folders},
        **{path: program(components[name]) for path, name in recipe.files.items()},
        **{at: file(part) for path, name in recipe.data.items() for at, part in _parts(path, name, components)},
        **{path: file(data) for path, data in overlay(recipe).items()},
        **{path: file(text.encode()) for path, text in recipe.texts.items()},
        **{path: link(target) for path, target in recipe.links.items()},
    }
    return tree | {path: file(edited(path, tree[path], edits)) for path, edits in recipe.edits.items()}


def _parts(path: str, name: str, components: Mapping[str, Path]) -> list[tuple[str, Path]]:
    """Where each file of a component's file or folder comes, and which it is."""
    component, _, inner = name.partition("/")
    found = components[component] / inner
    if not found.is_dir():
        return [(path, found)]
    return [(f"{path}/{part.relative_to(found)}", part) for part in sorted(found.rglob("*")) if part.is_file()]


def edited(path: str, member: Member, edits: Sequence[Edit]) -> bytes:
    """A text as its edits make it; `ComponentError` where one does not fit, as after a new version."""
    assert isinstance(member.data, Path)
    text = member.data.read_text(encoding="utf-8")
    for edit in edits:
        before, start, rest = text.partition(edit.start)
        if not start or edit.start in rest or edit.end not in rest:
            raise ComponentError(f"{path} is not as its edits expect: {edit.start!r} is not there, or not once.")
        text = before + edit.text + (rest[rest.index(edit.end) :] if edit.end else rest)
    return text.encode()


def owned(tree: Tree, recipe: Recipe) -> Tree:
    """A tree whose members have the owners, and its programs the capability, that the recipe gives them."""
    return {
        path: msgspec.structs.replace(member, owner=_owner(path, recipe), binds=path in recipe.binding)
        for path, member in tree.items()
    }


def _owner(path: str, recipe: Recipe) -> tuple[int, int]:
    places = [place for place in recipe.owners if path == place or path.startswith(f"{place}/")]
    return recipe.owners[max(places, key=len)] if places else (0, 0)


def settings(image: Image) -> archive.Json:
    """How containers of an image start. https://github.com/opencontainers/image-spec/blob/main/config.md"""
    recipe = image.recipe
    words: archive.Json = {"Entrypoint": recipe.entrypoint, "Env": [f"PATH={PATH}"], "WorkingDir": "/"}
    if recipe.cmd:
        words["Cmd"] = recipe.cmd
    if recipe.user:
        words["User"] = recipe.user
    return words
