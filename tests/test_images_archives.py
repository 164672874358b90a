"""Archives: the same bytes every time, and what containerd and Docker look for in them."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from clusters.components.catalogue import Catalogue, catalogue
from clusters.errors import ComponentError, UsageError
from clusters.images import archive, known, recipes, resolve
from clusters.images.layers import TarStream, Tree, file, folder, link, program

NAME = "registry.example/lamps/lamp:v1"
CAPABILITY = "SCHILY.xattr.security.capability"


def lamp(place: Path, *, old: bool = False) -> Tree:
    place.mkdir()
    source = place / "lamp"
    source.write_bytes(b"light" * 1000)
    if old:
        os.utime(source, (1, 1))
    tree = {"usr/bin/lamp": program(source), "tmp": folder(0o1777), "bin": link("usr/bin"), "etc/a": file(b"a")}
    return dict(reversed(tree.items())) if old else tree


def build(place: Path, tree: Tree) -> Path:
    target = place / "image.tar"
    archive.build(target, NAME, "amd64", [TarStream({"etc/b": file(b"b")}), TarStream(tree)], {"Cmd": ["lamp"]})
    return target


@pytest.fixture
def image(tmp_path: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(build(tmp_path, lamp(tmp_path / "source"))) as opened:
        yield opened


def content(image: tarfile.TarFile, path: str) -> bytes:
    source = image.extractfile(path)
    assert source
    return source.read()


def test_the_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert build(tmp_path, lamp(one)).read_bytes() == build(tmp_path, lamp(other, old=True)).read_bytes()


def test_another_byte_gives_another_archive(tmp_path: Path) -> None:
    tree = lamp(tmp_path / "source")
    before = build(tmp_path, tree).read_bytes()
    assert build(tmp_path, tree | {"etc/a": file(b"b")}).read_bytes() != before


def test_every_blob_is_under_its_own_checksum(image: tarfile.TarFile) -> None:
    blobs = [name for name in image.getnames() if name.startswith("blobs/")]
    assert len(blobs) == 4  # manifest, config, two layers
    for name in blobs:
        assert hashlib.sha256(content(image, name)).hexdigest() == name.rpartition("/")[2]


def test_containerd_finds_the_image_by_its_official_name(image: tarfile.TarFile) -> None:
    """https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""
    assert json.loads(content(image, "oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads(content(image, "index.json"))["manifests"]
    assert top["annotations"]["io.containerd.image.name"] == NAME
    manifest = json.loads(content(image, f"blobs/sha256/{top['digest'].removeprefix('sha256:')}"))
    config = json.loads(content(image, f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}"))
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert config["config"] == {"Cmd": ["lamp"]}


def test_docker_finds_the_image_by_its_official_name(image: tarfile.TarFile) -> None:
    (entry,) = json.loads(content(image, "manifest.json"))
    assert entry["RepoTags"] == [NAME]
    assert {entry["Config"], *entry["Layers"]} <= set(image.getnames())


def test_a_layer_holds_what_it_was_given(image: tarfile.TarFile) -> None:
    (entry,) = json.loads(content(image, "manifest.json"))
    source = image.extractfile(entry["Layers"][1])
    with tarfile.open(fileobj=source) as layer:
        members = {info.name: info for info in layer}
        assert [*members] == ["bin", "etc", "etc/a", "tmp", "usr", "usr/bin", "usr/bin/lamp"]
        assert content(layer, "usr/bin/lamp") == b"light" * 1000
    assert members["usr/bin/lamp"].mode == 0o755
    assert members["tmp"].mode == 0o1777
    assert members["bin"].linkname == "usr/bin"
    assert {(info.uid, info.gid, info.mtime) for info in members.values()} == {(0, 0, 0)}


def test_owners_and_the_file_capability_are_in_the_layer(tmp_path: Path) -> None:
    tree = {
        "usr/bin/lamp": msgspec.structs.replace(file(b"light", 0o755), binds=True),
        "var/lamp": msgspec.structs.replace(folder(), owner=(101, 82)),
    }
    (layer := tmp_path / "layer.tar").write_bytes(b"".join(TarStream(tree).chunks()))
    with tarfile.open(layer) as opened:
        members = {info.name: info for info in opened}
    assert (members["var/lamp"].uid, members["var/lamp"].gid) == (101, 82)
    # As `setcap cap_net_bind_service=+ep` stores it: version 2 with the effective bit, then bit 10 as permitted.
    version, permitted, *others = struct.unpack("<5I", members["usr/bin/lamp"].pax_headers[CAPABILITY].encode())
    assert (version, permitted, others) == (0x02000001, 1 << 10, [0, 0, 0])
    assert CAPABILITY not in members["var/lamp"].pax_headers


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    growing = tmp_path / "growing"
    growing.write_bytes(b"1")
    layer = TarStream({"growing": program(growing)})
    layer.measure()
    growing.write_bytes(b"1" * 1000)
    with pytest.raises(ComponentError, match="changed while"):
        archive.build(tmp_path / "image.tar", NAME, "amd64", [layer], {})


def test_an_unknown_image_lists_the_right_ones() -> None:
    with pytest.raises(UsageError, match=r"no image called 'agnhots'.*registry.k8s.io/e2e-test-images/agnhost:"):
        resolve(["agnhots"])


def test_every_image_has_a_recipe_of_known_components() -> None:
    pins = catalogue()
    assert len(known()) == len(pins.images) + len(pins.controller_images) + len(pins.addon_images) >= 7
    for image in recipes.images().values():
        for name in image.recipe.files.values():
            catalogue().holder(name)
        named = image.recipe.debian.programs if image.recipe.debian else []
        assert image.recipe.entrypoint[0].lstrip("/") in {*image.recipe.files, *(f"usr/bin/{name}" for name in named)}


def test_names_without_a_recipe_are_an_error() -> None:
    with pytest.raises(ValueError, match="lamp"):
        recipes.together({}, {"lamp": NAME})


@pytest.mark.parametrize(
    "changed", ["component", "recipe", "name"], ids=["another version", "another recipe", "another name"]
)
def test_the_key_changes_with_what_an_image_is_made_from(changed: str) -> None:
    def key(version: str = "1", entrypoint: str = "/lamp", name: str = NAME) -> str:
        pins = msgspec.convert({"component": {"lamp": {"version": version, "programs": {"lamp": {}}}}}, Catalogue)
        recipe = recipes.Recipe(files={"lamp": "lamp"}, entrypoint=[entrypoint])
        return recipes.digest(recipes.Image(key="lamp", name=name, recipe=recipe), pins)

    changes = {"component": {"version": "2"}, "recipe": {"entrypoint": "/light"}, "name": {"name": "a.example/b:v1"}}
    assert key() == key()
    assert key() != key(**changes[changed])
