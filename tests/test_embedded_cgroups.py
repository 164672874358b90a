"""A cluster's cgroups: whole before the first pod, in every hierarchy, found again and told apart from others'."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clusters.embedded import cgroups
from clusters.errors import MachineError


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller in ("memory", "pids", "cpu", "cpuset", "unified"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").touch()
    (tmp_path / "unified" / "cgroup.controllers").touch()
    (tmp_path / "cpu,cpuacct").symlink_to("cpu")
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")
    return tmp_path


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("memory\n")
    return tmp_path


def test_every_mounted_controller_gets_every_node(v1: Path) -> None:
    cgroups.make("a", ["n1", "n2"], v1)

    made = {str(path.relative_to(v1)) for path in v1.rglob("roadtest/a/n?") if not path.is_symlink()}
    assert made == {
        f"{controller}/roadtest/a/{node}" for controller in ("memory", "pids", "cpu", "cpuset") for node in ("n1", "n2")
    }


def test_a_cpuset_is_not_left_empty(v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir

    def born_empty(path: Path, *words: int, **more: bool) -> None:
        mkdir(path, *words, **more)
        if "cpuset" in path.parts:
            (path / "cpuset.cpus").touch()
            (path / "cpuset.mems").touch()

    monkeypatch.setattr(Path, "mkdir", born_empty)
    cgroups.make("a", ["n1"], v1)

    assert (v1 / "cpuset" / "roadtest" / "a" / "n1" / "cpuset.cpus").read_text() == "0-1\n"
    assert (v1 / "cpuset" / "roadtest" / "a" / "n1" / "cpuset.mems").read_text() == "0\n"


def test_all_pods_together_weigh_as_much_as_the_kubelet_says(v1: Path) -> None:
    (v1 / "cpu" / "roadtest").mkdir()
    (v1 / "cpu" / "roadtest" / "cpu.shares").write_text("1024\n")
    cgroups.make("a", ["n1"], v1)

    assert int((v1 / "cpu" / "roadtest" / "cpu.shares").read_text()) == 1024 * (os.cpu_count() or 1)


def test_children_are_given_what_their_parent_has(v2: Path) -> None:
    written: list[str] = []
    parent = v2 / "roadtest"
    parent.mkdir()
    (parent / "cgroup.controllers").write_text("memory pids\n")
    (parent / "cgroup.subtree_control").touch()

    cgroups.give_controllers(parent)
    written = [(parent / "cgroup.subtree_control").read_text()]

    assert written == ["+pids"]
    assert cgroups.hierarchies(v2) == [v2]


def test_a_read_only_hierarchy_is_told(v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: bool) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MachineError, match=r"No cgroup can be made below .*Read-only file system"):
        cgroups.make("a", ["n1"], v1)


def test_they_are_found_deepest_first_wherever_they_are(v1: Path) -> None:
    cgroups.make("a", ["n1"], v1)
    cgroups.make("ab", ["n1"], v1)
    (v1 / "unified" / "roadtest" / "a").mkdir(parents=True)

    found = [str(path.relative_to(v1)) for path in cgroups.of("a", v1)]

    assert "unified/roadtest/a" in found
    assert found.index("memory/roadtest/a/n1") < found.index("memory/roadtest/a")
    assert not [path for path in found if "/ab" in path]
