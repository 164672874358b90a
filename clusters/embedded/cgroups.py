"""The cgroups of a cluster: one per node, in which its pods live, made before anything needs them.

/roadtest                 of all clusters
/roadtest/CLUSTER         of one
/roadtest/CLUSTER/n1      of a node; its kubelet makes kubepods and the pods' own below it
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clusters.errors import MachineError

from . import names

ROOT = Path("/sys/fs/cgroup")
NEEDED = ("memory", "pids", "cpu")
SHARES_PER_CPU = 1024
"""cgroup v1: what the kubelet, too, gives to all pods together; v2: a weight of 100 means the same."""
WEIGHT_PER_CPU = 100


def make(cluster: str, nodes: Iterable[str], root: Path = ROOT) -> None:
    """Make them in every hierarchy that is mounted; `MachineError` where that is not allowed."""
    try:
        for hierarchy in hierarchies(root):
            made = [names.cgroup(), names.cgroup(cluster), *(names.cgroup(cluster, node) for node in nodes)]
            for path in made:
                make_one(hierarchy, hierarchy / path.lstrip("/"))
    except OSError as error:
        raise MachineError(
            f"No cgroup can be made below {root}: {error.strerror} ({error.filename}).",
            "In a container, run it with the host's cgroups: docker run --privileged --cgroupns=host.",
        ) from None


def make_one(hierarchy: Path, path: Path) -> None:
    path.mkdir(exist_ok=True)
    if unified(hierarchy):
        give_controllers(path.parent)
        share(path / "cpu.weight", WEIGHT_PER_CPU, 10_000)
    else:
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # A cpuset is born empty, and takes no process before it has both.
            if (path / setting).exists() and not (path / setting).read_text(encoding="ascii").strip():
                (path / setting).write_text((path.parent / setting).read_text(encoding="ascii"), encoding="ascii")
        share(path / "cpu.shares", SHARES_PER_CPU, 262_144)


def share(setting: Path, per_cpu: int, most: int) -> None:
    """Let a group weigh as much as one busy process on every CPU: it holds more than one."""
    if setting.exists():
        setting.write_text(str(min(most, per_cpu * (os.cpu_count() or 1))), encoding="ascii")


def give_controllers(parent: Path) -> None:
    """cgroup v2: let the children of a group have its controllers."""
    wanted = (parent / "cgroup.controllers").read_text(encoding="ascii").split()
    given = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
    for controller in wanted:
        if controller not in given:
            try:
                (parent / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
            except OSError:
                # A controller that pods need not have is not missed.
                if controller in NEEDED:
                    raise


def unified(hierarchy: Path) -> bool:
    """Whether this is the hierarchy of cgroup v2."""
    return (hierarchy / "cgroup.controllers").exists()


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Where cgroups are made: one place with cgroup v2, one per mounted controller with v1."""
    if unified(root):
        return [root]
    return sorted(
        folder
        for folder in root.iterdir()
        if not folder.is_symlink() and (folder / "cgroup.procs").exists() and not unified(folder)
    )


def of(cluster: str, root: Path = ROOT) -> list[Path]:
    """A cluster's cgroups in every hierarchy, the deepest first."""
    below = names.cgroup(cluster).lstrip("/")
    folders = [root, *(path for path in _folders(root) if not path.is_symlink())]
    return [Path(folder) for hierarchy in folders for folder, _, _ in os.walk(hierarchy / below, topdown=False)]


def remove_shared(root: Path = ROOT) -> None:
    """Remove the parent of all clusters' cgroups, which goes with the last of them."""
    for hierarchy in [root, *_folders(root)]:
        with suppress(OSError):
            (hierarchy / names.CGROUP).rmdir()


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
