"""Removal: the record first, what explains a failure kept, nothing shared taken while another cluster needs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clusters.embedded import cgroups, mount_points, name_lock, names, removal
from clusters.errors import ClusterError, MachineError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: namespaces, locks and cgroups below a folder."""
    monkeypatch.setattr(names, "RUN_FOLDER", tmp_path / "run")
    monkeypatch.setattr(names, "NETNS_FOLDER", tmp_path / "netns")
    monkeypatch.setattr(cgroups.of, "__defaults__", (tmp_path / "cgroup",))
    monkeypatch.setattr(cgroups.remove_shared, "__defaults__", (tmp_path / "cgroup",))
    monkeypatch.setattr(mount_points, "EVERY", (str(tmp_path / "mount" / "a"), str(tmp_path / "mount" / "b")))
    (tmp_path / "netns").mkdir()
    (tmp_path / "mount").mkdir()
    return tmp_path


def test_a_half_made_cluster_leaves_nothing(machine: Path) -> None:
    folder = machine / "clusters" / "a"
    for path in (
        folder / "logs" / "n1",
        folder / "pki",
        machine / "cgroup" / "memory" / "roadtest" / "a" / "n1" / "c1",
    ):
        path.mkdir(parents=True)
    (folder / "cluster.json").write_text("{}")
    for netns in ("rt-a", "rt-a-n1", "rt-b"):
        (machine / "netns" / netns).touch()
    mount_points.prepare()

    removal.remove("a", folder)

    assert not folder.exists()
    assert sorted(path.name for path in (machine / "netns").iterdir()) == ["rt-b"]
    assert not (machine / "cgroup" / "memory" / "roadtest" / "a").exists()
    removal.remove("a", folder)


def test_what_clusters_share_goes_with_the_last(machine: Path) -> None:
    (machine / "mount" / "b").mkdir()
    mount_points.prepare()
    (machine / "netns" / "rt-b").touch()
    (machine / "cgroup" / "memory" / "roadtest").mkdir(parents=True)

    removal.remove("a", machine / "clusters" / "a")
    assert sorted(path.name for path in (machine / "mount").iterdir()) == ["a", "b"]

    (machine / "netns" / "rt-b").unlink()
    removal.remove("a", machine / "clusters" / "a")
    # The one that was there before stays; the one that was made goes.
    assert [path.name for path in (machine / "mount").iterdir()] == ["b"]
    assert not (machine / "cgroup" / "memory" / "roadtest").exists()


def test_a_mount_point_with_files_of_another_program_stays(machine: Path) -> None:
    mount_points.prepare()
    (machine / "mount" / "a" / "theirs").touch()

    mount_points.remove()

    assert [path.name for path in (machine / "mount").iterdir()] == ["a"]


def test_a_cluster_about_to_be_counts_as_another(machine: Path) -> None:
    assert removal.alone("a")
    with name_lock.held("b"):
        assert not removal.alone("a")
    assert removal.alone("a")


def test_the_record_goes_before_anything_else(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine / "clusters" / "a"
    (folder / "logs").mkdir(parents=True)
    (folder / "cluster.json").write_text("{}")

    def fail(_path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(removal.shutil, "rmtree", fail)
    with pytest.raises(KeyboardInterrupt):
        removal.remove_folder(folder)

    assert not (folder / "cluster.json").exists()
    assert folder.exists()


def test_logs_are_kept_where_they_explain_a_failure(machine: Path) -> None:
    folder = machine / "clusters" / "a"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "etcd.log").write_text("no")

    assert removal.keep_logs(folder, machine / "failed" / "a", KeyboardInterrupt()) is None
    assert removal.keep_logs(folder, machine / "failed" / "a", MachineError("x")) is None
    assert removal.keep_logs(folder, machine / "failed" / "a", ClusterError("x")) == machine / "failed" / "a"
    assert (machine / "failed" / "a" / "etcd.log").read_text() == "no"


def test_one_name_is_worked_on_by_one_process(machine: Path) -> None:
    with (
        name_lock.held("a"),
        pytest.raises(ClusterError, match=f"Another process \\({os.getpid()}\\) is creating or removing"),
        name_lock.held("a"),
    ):
        pass
    with name_lock.held("a"), name_lock.held("b"):
        pass
    assert not names.RUN_FOLDER.exists()


def test_a_killed_holder_holds_nothing(machine: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from clusters.embedded import name_lock, names\n"
        "names.RUN_FOLDER = Path(sys.argv[1])\n"
        "with name_lock.held('a'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(names.RUN_FOLDER)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (names.RUN_FOLDER / "a.lock").exists()

    with name_lock.held("a"):
        pass


def test_nothing_stops_a_removal_halfway() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with removal.undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
