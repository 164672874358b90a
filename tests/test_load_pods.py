"""Workers as pods: an image that holds what a worker runs, the same bytes every time, and a manifest to fill in."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from clusters.errors import ClusterError, UsageError
from clusters.images.elf import needs
from clusters.images.layers import Tree, file
from clusters.provider import Cluster, Place
from loadprofiles.engine import version
from loadprofiles.grid import Grid, settled
from loadprofiles.pods import bringing, image
from tests.miniatures.cluster import a_cluster


def test_a_worker_in_the_image_runs_the_master_s_engine(tmp_path: Path) -> None:
    for path, member in image.code().items():
        if path.startswith(f"{image.OURS}/loadprofiles/engine/"):
            assert isinstance(member.data, Path)
            (tmp_path / member.data.name).write_bytes(member.data.read_bytes())
    assert version.digest(tmp_path) == version.digest()
    (tmp_path / "loop.py").write_text("another version")
    assert version.digest.__wrapped__(tmp_path) != version.digest()


def test_our_code_is_enough_for_a_worker(tmp_path: Path) -> None:
    """The image's files of ours, alone: the command starts, and fails only for want of a master."""
    for path, member in image.code().items():
        assert isinstance(member.data, Path)
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(member.data)
    done = subprocess.run(
        [sys.executable, "-m", "loadprofiles", "worker", "--master", "127.0.0.1:9", "--wait", "0.1"],
        cwd=tmp_path / image.OURS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No master answered at 127.0.0.1:9" in done.stderr


def test_the_libraries_come_with_what_they_require_and_nothing_else() -> None:
    names = {distribution.metadata["Name"].lower() for distribution in image.distributions(image.LIBRARIES)}
    assert {"locust", "gevent", "pyzmq", "msgpack", "numpy", "hdrhistogram", "pbr"} <= names
    assert not {"scipy", "altair", "kubernetes", "mypy"} & names


def test_whatever_a_worker_imports_is_in_the_image() -> None:
    script = """
import sys, sysconfig
import loadprofiles.__main__, loadprofiles.engine.locustfile, loadprofiles.pods.master
home = sysconfig.get_path("purelib") + "/"
for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None) or ""
    if path.startswith(home):
        print(path.removeprefix(home))
"""
    imported = subprocess.check_output([sys.executable, "-c", script], cwd=image.ROOT, text=True).split()
    held = image.packages().keys()
    assert len(imported) > 100
    assert [path for path in imported if f"{image.PACKAGES}/{path}" not in held] == []


def test_a_requirement_that_is_not_installed_is_of_another_system() -> None:
    assert image.distributions(["no-such-library"]) == []


def test_the_interpreter_finds_its_loader_and_its_libraries() -> None:
    interpreter = Path(sys.executable).resolve()
    wants = needs(interpreter.read_bytes())
    tree = image.system_libraries([interpreter], interpreter)
    assert wants.interpreter.lstrip("/") in tree
    assert {f"{image.PYTHON}/lib/{name}" for name in wants.libraries} <= tree.keys()


def test_the_same_environment_gives_the_same_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def small(text: bytes) -> Tree:
        return {"opt/python/bin/python3": file(text)}

    for name in ("python", "packages"):
        monkeypatch.setattr(image, name, lambda: small(b"one"))
    first, archive = image.write(tmp_path)
    written = archive.read_bytes()
    assert image.write(tmp_path) == (first, archive)
    assert archive.read_bytes() == written
    assert first.startswith("roadtest.invalid/load-worker:")
    with tarfile.open(archive) as held:
        assert "manifest.json" in held.getnames()
    monkeypatch.setattr(image, "python", lambda: small(b"another"))
    assert image.write(tmp_path)[0] != first


def a_cluster_in_namespaces(tmp_path: Path) -> Cluster:
    client = Place(name="client-1", role="client", address="127.0.0.1", netns="/proc/self/ns/net")
    node = Place(name="n1", role="node", address="127.0.0.2", netns="/proc/self/ns/net")
    return msgspec.structs.replace(a_cluster(clients=[client]), nodes=[node], state=tmp_path)


def test_an_image_that_nobody_can_bring_must_be_named(tmp_path: Path) -> None:
    theirs = a_cluster(provider="existing", administrator=False)
    with pytest.raises(UsageError, match=r"cannot be brought to the nodes of cluster c from here.*--grid-image NAME"):
        settled(Grid(workers=4, pods=True), theirs)
    named = Grid(workers=4, pods=True, image="registry.example/load:1")
    assert settled(named, theirs) == named
    brought = Grid(workers=4, pods=True)
    assert settled(brought, a_cluster_in_namespaces(tmp_path)) == brought


@pytest.mark.parametrize(
    ("listed", "status", "imports"),
    [("", 0, 1), ("roadtest.invalid/load-worker:1\n", 0, 0), ("", 1, 0)],
    ids=["brought", "there already", "a node that refuses"],
)
def test_a_node_is_given_the_image_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: str, status: int, imports: int
) -> None:
    asked: list[list[str]] = []

    def ctr(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, status, listed if "list" in command else "", "no space left\n")

    monkeypatch.setattr(subprocess, "run", ctr)
    monkeypatch.setattr("clusters.components.resolve", lambda *_: {"ctr": Path("/ours/ctr")})
    entering = SimpleNamespace(entrance=lambda cluster, place: ["enter", "-t", place])
    monkeypatch.setattr("clusters.provider_for", lambda _: entering)
    cluster = a_cluster_in_namespaces(tmp_path)
    (tmp_path / "x.tar").touch()
    if status:
        with pytest.raises(ClusterError, match=r"Node n1 did not take the grid's image: no space left\."):
            bringing.bring("roadtest.invalid/load-worker:1", tmp_path / "x.tar", cluster)
    else:
        bringing.bring("roadtest.invalid/load-worker:1", tmp_path / "x.tar", cluster)
    assert all(command[:3] == ["enter", "n1", "/bin/sh"] and "/ours:" in command[4] for command in asked)
    assert len([command for command in asked if "import" in command]) == imports
