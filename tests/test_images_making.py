"""Images from a registry that is right, from ones that are not, and by recipe; the cache after faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
import stamina

from clusters import images
from clusters.components.catalogue import Catalogue
from clusters.components.store import Entry
from clusters.components.web import Web
from clusters.errors import ComponentError
from clusters.images import resolve_with
from clusters.images.finding import Finder
from clusters.images.layers import file
from clusters.images.making import Ways, edited, own_files, owned, settings
from clusters.images.recipes import Edit, Image, Recipe
from clusters.images.registry import Registry
from clusters.progress import Progress, SilentProgress
from tests.miniatures.image_registry import LAYER, MANIFEST, ImageRegistry, digest, image_registry

LIMIT = 30.0
SILENT = "127.0.0.1:1/lamps/lamp:v1"
"""Nothing listens on port 1."""


class Spoken(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(autouse=True)
def retry_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("clusters.images.making.architecture", lambda: "amd64")
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def registry() -> Iterator[ImageRegistry]:
    with image_registry() as running:
        yield running


@pytest.fixture
def spoken() -> Spoken:
    return Spoken()


def image(name: str = SILENT) -> Image:
    return Image(key="lamp", name=name, recipe=Recipe(files={"lamp": "lamp"}, entrypoint=["/lamp"], user="1:1"))


class Making:
    """Images in a cache of their own, from miniature components and over plain HTTP."""

    def __init__(self, place: Path, *, broken: bool = False) -> None:
        pins = msgspec.convert({"component": {"lamp": {"version": "1", "programs": {"lamp": {}}}}}, Catalogue)
        self.finder = Finder(place / "cache", pins)
        self._place = place
        self._broken = broken

    def have(self, wanted: Sequence[Image], progress: Progress) -> dict[str, Path]:
        def open_registry(web: Web, name: str) -> Registry:
            return Registry(web, name, scheme="http")

        ways = Ways(components=self._components, registry=open_registry)
        return resolve_with(self.finder, wanted, progress, ways=ways)

    def entry(self, wanted: Image) -> Entry | None:
        return self.finder.entry(wanted)

    def _components(self, names: Sequence[str], progress: Progress) -> Mapping[str, Path]:
        del progress
        if self._broken:
            raise ComponentError("lamp could not be had.")
        source = self._place / "lamp"
        source.write_bytes(b"light")
        return dict.fromkeys(names, source)


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {info.name: source.read() for info in opened if (source := opened.extractfile(info))}


def test_an_image_is_pulled_for_this_platform(tmp_path: Path, registry: ImageRegistry, spoken: Spoken) -> None:
    wanted = image(registry.publish("lamps/lamp", "v1"))
    mine = Making(tmp_path, broken=True)
    files = members(mine.have([wanted], spoken)[wanted.name])
    (top,) = json.loads(files["index.json"])["manifests"]
    assert top["digest"] == digest(registry.manifest)
    assert top["mediaType"] == MANIFEST
    assert top["annotations"]["io.containerd.image.name"] == wanted.name
    assert files[f"blobs/sha256/{digest(LAYER).removeprefix('sha256:')}"] == LAYER
    entry = mine.entry(wanted)
    assert entry
    assert (entry.way, entry.source) == ("registry", f"{wanted.name}@{digest(registry.manifest)}")


def wrong(registry: ImageRegistry, what: str) -> None:
    """Make the registry do one thing wrong."""
    layer, manifest = (
        f"/v2/lamps/lamp/{path}" for path in (f"blobs/{digest(LAYER)}", f"manifests/{digest(registry.manifest)}")
    )
    if what == "a changed layer":
        registry.served[layer] = ("application/octet-stream", LAYER[:-1] + b"!")
    if what == "a missing layer":
        del registry.served[layer]
    if what == "a changed manifest":
        registry.served[manifest] = (MANIFEST, registry.manifest + b" ")
    if what == "a page":
        registry.served[manifest] = ("text/html", b"<p>Welcome to the hotel's network</p>")
    if what == "no such tag":
        del registry.served["/v2/lamps/lamp/manifests/v1"]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("a changed layer", "is published"),
        ("a missing layer", "answered 404"),
        ("a changed manifest", "another digest"),
        ("a page", "answered with text/html"),
        ("no such tag", "answered 404"),
    ],
)
def test_a_wrong_registry_is_told_and_the_recipe_used(
    tmp_path: Path, registry: ImageRegistry, spoken: Spoken, what: str, told: str
) -> None:
    wanted = image(registry.publish("lamps/lamp", "v1"))
    wrong(registry, what)
    mine = Making(tmp_path)
    mine.have([wanted], spoken)
    entry = mine.entry(wanted)
    assert entry
    assert entry.way == "recipe"
    assert any("not from its registry" in line and told in line for line in spoken.lines)


def test_a_platform_that_is_not_published_is_told(
    tmp_path: Path, registry: ImageRegistry, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clusters.images.making.architecture", lambda: "arm64")
    Making(tmp_path).have([image(registry.publish("lamps/lamp", "v1"))], spoken)
    assert any("is not published for linux/arm64" in line for line in spoken.lines)


def test_where_no_registry_answers_the_recipe_is_used(tmp_path: Path, spoken: Spoken) -> None:
    mine = Making(tmp_path)
    path = mine.have([image()], spoken)[SILENT]
    assert any(b"light" in content for content in members(path).values())
    assert spoken.lines[0] == "no answer from 127.0.0.1:1: images are made from the components"


def test_what_is_in_the_cache_is_not_made_again(tmp_path: Path, spoken: Spoken) -> None:
    first = Making(tmp_path).have([image()], spoken)
    spoken.lines.clear()
    assert Making(tmp_path, broken=True).have([image()], spoken) == first
    assert spoken.lines == []


@pytest.mark.parametrize(
    ("way", "source", "told"),
    [
        ("registry", "docker.io/library/traefik@sha256:12", "its registry: docker.io/library/traefik@sha256:12"),
        ("recipe", "traefik, Debian's libc6", "made here of traefik, Debian's libc6"),
    ],
)
def test_where_an_image_of_the_cache_came_from_is_told(
    way: str, source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADTEST_CACHE", str(tmp_path))
    finder, wanted = Finder(tmp_path), images.recipes.image("traefik", images.recipes.images())
    assert images.source("traefik") == "unknown"
    entry = Entry(name=wanted.key, version=wanted.tag, way=way, source=source, seconds=1.0, files={})
    with finder.store.draft(wanted.key) as draft:
        (draft / "files").mkdir()
        finder.store.install(draft, finder.key(wanted), entry)
    assert images.source("traefik") == told


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_archive_is_found_and_made_anew(tmp_path: Path, spoken: Spoken, damage: str) -> None:
    mine = Making(tmp_path)
    path = mine.have([image()], spoken)[SILENT]
    whole = path.read_bytes()
    if damage == "cut":
        os.truncate(path, 100)
    if damage == "changed":
        path.write_bytes(whole[:-1] + b"!")
    if damage == "gone":
        path.unlink()
    assert mine.have([image()], spoken)[SILENT].read_bytes() == whole
    assert any("is damaged and is made anew" in line for line in spoken.lines)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    mine = Making(tmp_path, broken=True)
    with pytest.raises(ComponentError, match="lamp could not be had"):
        mine.have([image()], SilentProgress())
    assert mine.entry(image()) is None
    assert [path for path in mine.finder.store.folder.rglob("*") if path.is_file()] == []


def test_an_image_starts_as_its_recipe_says() -> None:
    words = settings(image())
    assert (words["Entrypoint"], words["User"], "Cmd" in words) == (["/lamp"], "1:1", False)


PROCESS = """
import sys
from pathlib import Path
from tests.test_images_making import Making, image
from clusters.progress import SilentProgress
mine = Making(Path(sys.argv[1]))
print(next(iter(mine.have([image()], SilentProgress()).values())))
"""


def test_two_processes_at_once_share_one_archive(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [each.communicate(timeout=LIMIT) for each in both]
    assert [each.returncode for each in both] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert len(list((tmp_path / "cache" / "images" / "lamp").iterdir())) == 1


def test_a_recipe_adds_files_of_folders_texts_and_links(tmp_path: Path) -> None:
    (tmp_path / "porter").mkdir()
    (tmp_path / "porter/lamp.crt").write_bytes(b"certificate")
    recipe = Recipe(
        data={"lamp.crt": "porter/lamp.crt"},
        texts={"etc/lamp.conf": "bright"},
        folders=["uploads"],
        links={"lamp-2": "lamp"},
        entrypoint=[],
    )
    made = own_files(recipe, {"porter": tmp_path / "porter"})
    assert made["lamp.crt"].data == tmp_path / "porter/lamp.crt"
    assert made["etc/lamp.conf"].data == b"bright"
    assert made["uploads"].kind == "folder"
    assert (made["lamp-2"].kind, made["lamp-2"].target) == ("link", "lamp")


def test_a_recipe_takes_whole_folders_and_lays_files_of_its_own_over_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "porter/conf/lua").mkdir(parents=True)
    (tmp_path / "porter/conf/lamp.conf").write_text("dim")
    (tmp_path / "porter/conf/lua/lamp.lua").write_text("return 1")
    (tmp_path / "overlays/lamp/etc/lua").mkdir(parents=True)
    (ours := tmp_path / "overlays/lamp/etc/lua/lamp.lua").write_text("return 2")
    monkeypatch.setattr("clusters.images.recipes.OVERLAYS", tmp_path / "overlays")
    recipe = Recipe(data={"etc": "porter/conf"}, overlay="lamp", entrypoint=[])
    made = own_files(recipe, {"porter": tmp_path / "porter"})
    assert made == {
        "etc/lamp.conf": file(tmp_path / "porter/conf/lamp.conf"),
        "etc/lua/lamp.lua": file(b"return 2"),
    }
    finder = Finder(Path(), msgspec.convert({"component": {"porter": {"version": "1"}}}, Catalogue))
    before = finder.key(image := Image(key="lamp", name=SILENT, recipe=recipe))
    ours.write_text("return 3")
    assert finder.key(image) != before


TEMPLATE = "pid 1;\nhttp {\n}\nstream {\n  lua;\n}\n# end\n"


def test_edits_change_a_file_of_a_component(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text(TEMPLATE)
    edits = [Edit(start="pid 1;", text="pid 2;"), Edit(start="stream {", end="# end", text="stream {}\n")]
    recipe = Recipe(data={"etc/conf": "porter/conf"}, edits={"etc/conf": edits}, entrypoint=[])
    made = own_files(recipe, {"porter": tmp_path})
    assert made["etc/conf"].data == b"pid 2;\nhttp {\n}\nstream {}\n# end\n"


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(Edit(start="pid 3;", text=""), id="not there"),
        pytest.param(Edit(start="}", text=""), id="twice"),
        pytest.param(Edit(start="stream {", end="# over", text=""), id="no end"),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error(tmp_path: Path, edit: Edit) -> None:
    (path := tmp_path / "conf").write_text(TEMPLATE)
    with pytest.raises(ComponentError, match="etc/conf is not as its edits expect"):
        edited("etc/conf", file(path), [edit])


def test_the_longest_path_says_the_owner() -> None:
    owners = {"etc": (1, 1), "etc/lamp": (2, 3)}
    recipe = Recipe(owners=owners, binding=["bin/lamp"], entrypoint=[])
    tree = owned(dict.fromkeys(["etc/a", "etc/lamp", "etc/lamp/b", "etcetera", "bin/lamp"], file(b"")), recipe)
    assert [member.owner for member in tree.values()] == [(1, 1), (2, 3), (2, 3), (0, 0), (0, 0)]
    assert [path for path, member in tree.items() if member.binds] == ["bin/lamp"]


def test_an_image_changes_with_the_component_of_its_files() -> None:
    def key(version: str) -> str:
        pins = msgspec.convert({"component": {"porter": {"version": version}}}, Catalogue)
        recipe = Recipe(data={"lamp.crt": "porter/lamp.crt"}, entrypoint=[])
        return Finder(Path(), pins).key(Image(key="lamp", name=SILENT, recipe=recipe))

    assert key("1") != key("2")
