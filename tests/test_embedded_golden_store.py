"""Nodes share the files of the image store and own its databases; another image is another store."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from clusters.embedded import golden_store, mount_points
from clusters.errors import ComponentError
from clusters.progress import SilentProgress


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    layer = folder / "io.containerd.snapshotter.v1.overlayfs" / "snapshots" / "1" / "fs"
    layer.mkdir(parents=True)
    (layer / "binary").write_text("bytes")
    (layer / "link").symlink_to("binary")
    (layer / "data.db").write_text("an image's own")
    (folder / "io.containerd.metadata.v1.bolt").mkdir()
    (folder / "io.containerd.metadata.v1.bolt" / "meta.db").write_text("written to")
    return folder


def test_a_node_shares_layers_and_owns_databases(store: Path, tmp_path: Path) -> None:
    golden_store.link(store, tmp_path / "n1" / "containerd")
    node = tmp_path / "n1" / "containerd"
    layer = "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs"

    assert (node / layer / "binary").samefile(store / layer / "binary")
    assert (node / layer / "data.db").samefile(store / layer / "data.db")
    assert (node / layer / "link").readlink() == Path("binary")
    database = "io.containerd.metadata.v1.bolt/meta.db"
    assert not (node / database).samefile(store / database)
    (node / database).write_text("changed")
    assert (store / database).read_text() == "written to"


def test_a_node_in_memory_refers_to_layers_and_owns_databases(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(command: list[str], **_more: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(golden_store.subprocess, "run", no_links)
    monkeypatch.setattr(mount_points, "in_memory", lambda folder: folder == tmp_path / "n1")
    golden_store.link(store, tmp_path / "n1" / "containerd")
    node = tmp_path / "n1" / "containerd"
    snapshots = "io.containerd.snapshotter.v1.overlayfs/snapshots"

    assert not (node / snapshots).is_symlink(), "a node adds snapshots of its own"
    assert (node / snapshots / "1").readlink() == store / snapshots / "1"
    (node / "io.containerd.metadata.v1.bolt" / "meta.db").write_text("changed")
    assert (store / "io.containerd.metadata.v1.bolt" / "meta.db").read_text() == "written to"


def test_memory_is_told_from_a_disk() -> None:
    assert mount_points.in_memory(Path("/dev/shm"))
    assert not mount_points.in_memory(Path("/proc"))


def test_a_store_is_the_same_by_whatever_keeps_only_seconds(tmp_path: Path) -> None:
    archive, containerd = tmp_path / "a.tar", tmp_path / "containerd"
    for path in (archive, containerd):
        path.write_text("one")
        os.utime(path, ns=(10**18 + 999, 10**18 + 999))
    fine = golden_store.key({"image": archive}, containerd)
    for path in (archive, containerd):
        os.utime(path, (10**9, 10**9))

    assert golden_store.key({"image": archive}, containerd) == fine


def test_another_archive_or_containerd_is_another_store(tmp_path: Path) -> None:
    archive, containerd = tmp_path / "a.tar", tmp_path / "containerd"
    archive.write_text("one")
    containerd.write_text("one")
    first = golden_store.key({"image": archive}, containerd)

    assert golden_store.key({"image": archive}, containerd) == first
    assert golden_store.key({"other": archive}, containerd) != first
    archive.write_text("another")
    assert golden_store.key({"image": archive}, containerd) != first


def test_a_store_that_is_there_is_used_and_an_old_one_forgotten(tmp_path: Path) -> None:
    archive, containerd = tmp_path / "a.tar", tmp_path / "containerd"
    archive.write_text("one")
    containerd.write_text("one")
    there = tmp_path / "cache" / "image-stores" / golden_store.key({"image": archive}, containerd)
    old = there.with_name("old")
    for folder in (there, old):
        folder.mkdir(parents=True)
    os.utime(old, (0, time.time() - golden_store.UNUSED_SECONDS - 1))

    found = golden_store.prepare(
        {"image": archive},
        containerd=containerd,
        ctr=tmp_path / "ctr",
        cache=tmp_path / "cache",
        progress=SilentProgress(),
        check=lambda: None,
    )
    assert found == there

    golden_store.forget_unused(there.parent)
    assert [folder.name for folder in there.parent.iterdir()] == [there.name]


def test_an_import_that_fails_is_told_and_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, containerd = tmp_path / "a.tar", tmp_path / "containerd"
    archive.write_text("one")
    containerd.write_text("one")

    def fail(_archives: object, draft: Path, *_more: object) -> None:
        (draft / "root").mkdir()
        raise ComponentError("The images could not be imported into containerd.")

    monkeypatch.setattr(golden_store, "_import", fail)
    with pytest.raises(ComponentError, match="could not be imported"):
        golden_store.prepare(
            {"image": archive},
            containerd=containerd,
            ctr=tmp_path / "ctr",
            cache=tmp_path / "cache",
            progress=SilentProgress(),
            check=lambda: None,
        )
    assert not [path for path in (tmp_path / "cache" / "image-stores").iterdir() if path.is_dir()]
