"""The guest's kernel: Linux built as an ordinary program, out of Debian's package of its sources and few options.

User Mode Linux since 6.16 catches a program's system calls by seccomp instead of a tracer, which makes a guest four to
seven times faster. Debian builds none that could be used: the one of Debian 12 is older, that of Debian 14 has no NAT.
https://docs.kernel.org/virt/uml/user_mode_linux_howto_v2.html
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from clusters import paths, system_packages
from clusters.components.locks import alone
from clusters.components.store import Entry, Store, disk_errors
from clusters.errors import ComponentError
from clusters.images import debian
from clusters.progress import Progress, Task

NAME = "guest-kernel"
PROGRAM = "linux"
BUILT_IN = ("modules.builtin", "modules.builtin.modinfo")
"""What tells modprobe, whom kube-proxy asks, that the kernel has this and that already."""
SUITE = "forky"
"""Debian 14: the first whose sources are new enough (7.2)."""
SOURCES = "linux-source"
OPTIONS = Path(__file__).with_name("kernel.config")
PURPOSE = "guest-kernel"
"""Its section of ``clusters/system_packages.toml``."""
OBJECTS = 1050
"""About so many files are compiled."""
LAST_LINES = 5


def find() -> Path | None:
    """Where the kernel is, if the cache has it whole."""
    store = Store(paths.cache_folder() / "components")
    return None if store.damage(NAME, key()) else store.place(NAME, key()) / "files" / PROGRAM


def key() -> str:
    """Another one for other options: they decide what is built."""
    return f"{SUITE}-{hashlib.sha256(OPTIONS.read_bytes()).hexdigest()[:12]}"


def obtain(progress: Progress) -> Path:
    """The kernel, built first if the cache has none: six minutes of two CPUs, once. Beside it is what BUILT_IN names.

    `MachineError` without apt, `ComponentError` where the sources cannot be had or do not build.
    """
    if found := find():
        return found
    system_packages.ensure(progress, system_packages.packages_of_programs(PURPOSE))
    cache = paths.cache_folder()
    with alone(cache, NAME, "another run builds the guest's kernel; waiting", progress):
        return find() or build(Store(cache / "components"), progress)


def build(store: Store, progress: Progress) -> Path:
    """Fetch the sources and make the kernel in the cache."""
    began = time.monotonic()
    with store.draft(NAME) as draft, disk_errors(store.folder):
        package = sources(draft, progress)
        with progress.task(f"unpacking {package.name}"):
            tree = unpack(package, draft)
        make = ["make", "-C", str(tree), "ARCH=um"]
        run([*make, "allnoconfig", f"KCONFIG_ALLCONFIG={OPTIONS}"])
        check(tree / ".config")
        with progress.task("building the guest's kernel", total=OBJECTS, unit="files") as task:
            run([*make, f"-j{(os.cpu_count() or 1) + 1}", PROGRAM], task)
        (files := draft / "files").mkdir()
        run(["strip", "-o", str(files / PROGRAM), str(tree / PROGRAM)])
        for name in BUILT_IN:
            (tree / name).rename(files / name)
        version = package.name.split("_")[1]
        seconds = round(time.monotonic() - began, 1)
        entry = Entry(name=NAME, version=version, way="make", source=package.name, seconds=seconds, files={})
        return store.install(draft, key(), entry) / "files" / PROGRAM


def sources(draft: Path, progress: Progress) -> Path:
    """Debian's package of Linux' sources."""
    (folder := draft / "debian").mkdir()
    found = [
        path for path in debian.download([SOURCES], folder, progress, SUITE) if path.name.startswith(f"{SOURCES}-")
    ]
    if not found:
        raise ComponentError(f"Debian's {SOURCES} of {SUITE} brings no package of that name with a version.")
    return found[0]


def unpack(package: Path, draft: Path) -> Path:
    """The tree of sources inside a package."""
    run(["dpkg-deb", "-x", str(package), str(draft / "package")])
    package.unlink()
    (archive,) = (draft / "package" / "usr" / "src").glob("linux-source-*.tar.*")
    run(["tar", "-C", str(draft), "-xf", str(archive)])
    archive.unlink()
    return draft / archive.name.partition(".tar")[0]


def check(config: Path) -> None:
    """Each option that was asked for must be there: a later Linux may call it otherwise."""
    asked = {line for line in OPTIONS.read_text(encoding="ascii").splitlines() if not line.startswith("#")}
    if absent := sorted(asked - set(config.read_text(encoding="ascii").splitlines())):
        raise ComponentError(f"Debian's {SOURCES} of {SUITE} cannot be built with {', '.join(absent)}.")


def run(command: Sequence[str], task: Task | None = None) -> None:
    """Run a command; `ComponentError` with its last words where it fails. ``task`` counts the files it compiles."""
    last: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            for line in process.stdout:
                last = [*last[1 - LAST_LINES :], line.strip()]
                if task and line.startswith("  CC "):
                    task.advance(1)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise ComponentError(
            f"{command[0]} ended with status {process.returncode}: {' '.join(last) or 'it said nothing'}."
        )
