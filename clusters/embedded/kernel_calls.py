"""The few system calls that Python 3.11 does not offer: namespaces and mounts of the calling thread."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str, path: str = "") -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", path)


def unshare(flags: int) -> None:
    """unshare(2) for the calling thread alone."""
    _check(_libc.unshare(flags), "unshare")


def setns(path: str | Path, kind: int) -> None:
    """Enter the namespace at ``path`` with the calling thread, setns(2)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, kind), "setns", str(path))
    finally:
        os.close(descriptor)


def mount(source: str | Path, target: str | Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, "mount", str(target))


def unmount(target: str | Path, flags: int = MNT_DETACH) -> None:
    """umount2(2), lazily unless told otherwise."""
    _check(_libc.umount2(os.fsencode(target), flags), "umount", str(target))


def mounts_below(folder: str | Path) -> list[str]:
    """Mount points at or below a folder, deepest and latest first, from /proc/self/mountinfo."""
    prefix = str(folder).rstrip("/")
    points = []
    with open(f"/proc/self/task/{threading.get_native_id()}/mountinfo", encoding="utf-8") as table:  # noqa: PTH123 - read line by line
        for line in table:
            point = line.split(" ", 5)[4].encode().decode("unicode_escape")
            if point == prefix or point.startswith(prefix + "/"):
                points.append(point)
    return points[::-1]
