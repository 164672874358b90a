"""containerd's store with the images of a cluster in it, made once per machine; a node's own store is linked from it.

Layers and unpacked files are never changed in place (overlayfs copies what is written to), so nodes share them as hard
links; what containerd does change, its databases, is copied.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from clusters.components.catalogue import architecture
from clusters.errors import ComponentError
from clusters.progress import Progress

from . import mount_points
from .processes import last_lines

IMPORT_SECONDS = 300.0
POLL_SECONDS = 0.05
UNUSED_SECONDS = 7 * 86400.0
NAMESPACE = "k8s.io"
FORM = "1"
"""Part of the key: raise it when the store is made in another way."""


def key(archives: Mapping[str, Path], containerd: Path) -> str:
    """Names the store that holds exactly these images, made by this containerd."""
    digest = hashlib.sha256(FORM.encode())
    for name, path in sorted({**archives, "": containerd}.items()):
        status = path.stat()
        # Whole seconds: not every file system keeps more, and a store must be the same by whichever it is reached.
        digest.update(f"{name}\0{path}\0{status.st_size}\0{int(status.st_mtime)}\0".encode())
    return digest.hexdigest()[:16]


def prepare(
    archives: Mapping[str, Path],
    *,
    containerd: Path,
    ctr: Path,
    cache: Path,
    progress: Progress,
    check: Callable[[], None],
) -> Path:
    """The store with these images, made if the cache does not have it. Two processes at once make it once.

    ``check`` is called while it is made, and may raise.
    """
    store = cache / "image-stores" / key(archives, containerd)
    if store.exists():
        with suppress(OSError):  # a cache that may only be read
            os.utime(store)
        return store
    store.parent.mkdir(parents=True, exist_ok=True)
    forget_unused(store.parent)
    with FileLock(store.with_suffix(".lock")):
        if store.exists():
            return store
        draft = store.with_name(f"{store.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            with progress.task(f"importing {len(archives)} images (once per machine)"):
                _import(archives, draft, containerd, ctr, check)
            (draft / "root").rename(store)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return store


def forget_unused(stores: Path) -> None:
    """Remove stores that no cluster was made from for a while: every change of an image makes a new one."""
    for store in stores.iterdir():
        if store.is_dir() and store.suffix == "" and time.time() - store.stat().st_mtime > UNUSED_SECONDS:
            shutil.rmtree(store, ignore_errors=True)


def _import(archives: Mapping[str, Path], draft: Path, containerd: Path, ctr: Path, check: Callable[[], None]) -> None:
    """Run a containerd of its own on the draft. Its mounts and processes are in namespaces that end with it."""
    socket = Path("/run/containerd/containerd.sock")
    settings = draft / "containerd.toml"
    settings.write_text(
        f'version = 3\nroot = "{draft / "root"}"\nstate = "/run/containerd"\n'
        'disabled_plugins = ["io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\n  address = "{socket}"\n'
        "[plugins.'io.containerd.gc.v1.scheduler']\n  startup_delay = \"1h\"\n",
        encoding="utf-8",
    )
    mount_points.prepare()
    log = draft / "containerd.log"
    options = f"--local --platform linux/{architecture()} --snapshotter overlayfs"
    imports = " && ".join(
        f'"{ctr}" -a {socket} -n {NAMESPACE} images import {options} "{archive}"'
        for archive in dict.fromkeys(archives.values())
    )
    script = f"""\
mount -t tmpfs roadtest /run/containerd || exit 1
"{containerd}" --config "{settings}" &
until "{ctr}" -a {socket} version; do kill -0 $! || exit 1; sleep 0.05; done
{imports} || exit 1
kill $!
wait $!
"""
    command = [
        # Ends when we do, however we end: the next one would meet it on its draft.
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--mount-proc"),
        *("--fork", "--kill-child", "--propagation", "slave", "/bin/sh", "-c", script),
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as done,
    ):
        try:
            deadline = time.monotonic() + IMPORT_SECONDS
            while done.poll() is None and time.monotonic() < deadline:
                check()
                time.sleep(POLL_SECONDS)
        finally:
            done.kill()
    if done.returncode not in {0, 143}:
        raise ComponentError(
            "The images could not be imported into containerd.", f"Its last lines:\n{last_lines(log, 12)}"
        )


def link(store: Path, target: Path) -> None:
    """Give a node a containerd root of its own: directories and databases copied, everything else hard-linked.

    Where links cannot reach, it is copied; in memory, which has no room for that, layers are referred to.
    """
    target.mkdir(parents=True)
    try:
        subprocess.run(["cp", "-al", f"{store}/.", str(target)], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        # Another file system: hard links cannot reach it.
        shutil.rmtree(target)
        if mount_points.in_memory(target.parent):
            refer(store, target)
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", f"{store}/.", str(target)], check=True, capture_output=True)
    for database in target.glob("*/*.db"):
        copy = database.with_suffix(".copy")
        shutil.copy2(database, copy)
        copy.replace(database)


def refer(store: Path, target: Path) -> None:
    """Copy the store with a symbolic link for each unpacked layer and each blob.

    Only what lives no longer than memory does may refer: a store that nobody used for a while is forgotten.
    """

    def copy(folder: Path, into: Path) -> None:
        into.mkdir()
        for entry in folder.iterdir():
            if entry.parent.name in {"snapshots", "sha256"}:
                (into / entry.name).symlink_to(entry)
            elif entry.is_dir():
                copy(entry, into / entry.name)
            else:
                shutil.copy2(entry, into / entry.name)

    copy(store, target)
