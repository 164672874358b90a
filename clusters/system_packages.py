"""The system programs that clusters and tests need: found, or installed with apt, or named in one command."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clusters.errors import MachineError, UsageError
from clusters.progress import Progress

DATA = Path(__file__).with_suffix(".toml")
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where root's programs are; a user's PATH often lacks half of them."""
INSTALL_SECONDS = 600.0
LAST_LINES = 5

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def packages_of_programs(purpose: str = "cluster") -> dict[str, str]:
    """Program → Debian package, for a ``cluster`` on this machine, our own ``tests`` or the ``kind-rig``."""
    purposes: dict[str, dict[str, str]] = tomllib.loads(DATA.read_text(encoding="utf-8"))
    if purpose not in purposes:
        raise UsageError(f"Nothing here is called {purpose!r}.", f"Ask for packages of: {', '.join(purposes)}.")
    return purposes[purpose]


def find(program: str) -> str:
    """Path of a program, looked for on PATH and where root's programs are; empty where there is none.

    A file that no program is, by its path.
    """
    if program.startswith("/"):
        return program if Path(program).exists() else ""
    folders = dict.fromkeys([*os.environ.get("PATH", os.defpath).split(os.pathsep), *SYSTEM_FOLDERS])
    return shutil.which(program, path=os.pathsep.join(folders)) or ""


def missing(needed: Mapping[str, str], search: Callable[[str], str] = find) -> dict[str, str]:
    """Programs that are not there → package."""
    return {program: package for program, package in needed.items() if not search(program)}


def ensure(
    progress: Progress,
    needed: Mapping[str, str] | None = None,
    *,
    search: Callable[[str], str] = find,
    run: Run | None = None,
    is_root: bool | None = None,
) -> None:
    """Have every program, installing what is missing where root and apt are there; `MachineError` otherwise."""
    needed = packages_of_programs() if needed is None else needed
    absent = missing(needed, search)
    if not absent:
        return
    packages = sorted(set(absent.values()))
    programs = ", ".join(sorted(absent))
    root = os.geteuid() == 0 if is_root is None else is_root
    if not (root and search("apt-get")):
        raise MachineError(f"Missing on this machine: {programs}.", f"Run: {command(packages, root=root)}")
    progress.say(f"installing with apt: {' '.join(packages)} (for {programs})")
    with progress.task(f"apt-get install {' '.join(packages)}"):
        _install(packages, run or _run)
    still = missing(absent, search)
    if still:
        raise MachineError(
            f"apt installed {' '.join(packages)}, yet there is no {', '.join(sorted(still))}.",
            "Install these programs and run again.",
        )


def command(packages: Sequence[str], *, root: bool = False) -> str:
    """What a user types to have these packages."""
    sudo = "" if root else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"


def _install(packages: Sequence[str], run: Run) -> None:
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    done = run(install)
    if done.returncode:
        # No package lists (a fresh container), or old ones that name versions which are gone.
        run(["apt-get", "update"])
        done = run(install)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()][-LAST_LINES:]
        raise MachineError(
            f"apt could not install {' '.join(packages)}: {' '.join(lines)}",
            f"Run it by hand to see why: {command(packages, root=True)}",
        )


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    words = [arguments[0], "-q", "-o", "DPkg::Lock::Timeout=120", *arguments[1:]]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=INSTALL_SECONDS, check=False,
        )  # fmt: skip
    return subprocess.CompletedProcess(words, 1, "", f"not done within {INSTALL_SECONDS:.0f} s")
