"""One process at a time creates or removes a cluster of one name, on the whole machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clusters.errors import ClusterError

from . import names


@contextmanager
def held(cluster: str, folder: Path | None = None) -> Iterator[None]:
    """Hold a cluster's name; `ClusterError` naming the process that has it. The kernel lets go when the holder dies."""
    folder = folder or names.RUN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{cluster}.lock"
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode().strip()
            os.close(descriptor)
            raise ClusterError(
                f"Another process ({holder or 'unknown'}) is creating or removing the cluster {cluster}.",
                "Wait until it is done, or interrupt it.",
            ) from None
        # The holder before us may have taken the file away between our open and our lock.
        with suppress(OSError):
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116
                break
        os.close(descriptor)
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):
            folder.rmdir()  # goes with the last one
