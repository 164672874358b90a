"""The facts about this machine and this checkout that every figure depends on."""

from __future__ import annotations

import os
import platform
import subprocess
import tomllib
from pathlib import Path

from reports.model import Machine

ROOT = Path(__file__).resolve().parent.parent
GIT_SECONDS = 10


def machine() -> Machine:
    """What a run's header says of the machine it runs on."""
    return Machine(
        system=_system(),
        kernel=f"{platform.system()} {platform.release()}",
        cpu=_cpu(),
        cores=_cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        python=platform.python_version(),
    )


def roadtest_version() -> str:
    """Roadtest's own version, as ``pyproject.toml`` states it; ``unknown`` where that file is not there."""
    try:
        with (ROOT / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


def commit() -> str:
    """The checkout's commit, with ``+changes`` where files differ from it; empty outside a git checkout."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return f"{head}+changes" if head and _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), "--no-optional-locks", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def _cpu() -> str:
    """The model as the kernel names it: `platform.processor` is empty on most Linux systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _cores() -> int:
    """The cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
