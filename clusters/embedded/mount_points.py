"""Folders of this machine over which each node mounts its own, seen by nobody else. They are never written to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from . import names

EVERY = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")


def prepare() -> None:
    """Have all of them, and remember which were made for it."""
    absent = [point for point in EVERY if not Path(point).is_dir()]
    if absent:
        names.RUN_FOLDER.mkdir(parents=True, exist_ok=True)
        with (names.RUN_FOLDER / "mount-points").open("a", encoding="utf-8") as record:
            record.writelines(f"{point}\n" for point in absent)
    for point in absent:
        Path(point).mkdir(parents=True, exist_ok=True)


def remove() -> None:
    """Remove those that were made, once no cluster is left; another program's files keep a folder where it is."""
    record = names.RUN_FOLDER / "mount-points"
    with suppress(OSError):
        made = record.read_text(encoding="utf-8").split()
        for point in made:
            if point in EVERY:
                with suppress(OSError):
                    Path(point).rmdir()
        record.unlink()


def in_memory(folder: Path) -> bool:
    """Whether a folder is on a tmpfs, by /proc/self/mountinfo."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    rows = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return any(row[2] == number and row[row.index("-") + 1] == "tmpfs" for row in rows)
