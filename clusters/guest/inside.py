"""Whether this is a guest, told from the kernel that one is on."""

from __future__ import annotations

import os
from pathlib import Path

VENDOR = "User Mode Linux"
CPUINFO = Path("/proc/cpuinfo")


def is_guest(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the kernel is User Mode Linux."""
    return told(cpuinfo).get("vendor_id") == VENDOR


def conditions(cpuinfo: Path = CPUINFO) -> dict[str, str]:
    """What a reader of verdicts must know of a cluster that runs in a guest; empty elsewhere."""
    if not is_guest(cpuinfo):
        return {}
    words = told(cpuinfo).get("host", "").split()
    outer = f" on this machine's {words[2]}" if len(words) > 2 else ""
    return {
        "machine": f"a User Mode Linux guest: kernel {os.uname().release}{outer}, one slow CPU",
        "times": "those of a guest: they say nothing about kube-proxy or anything else",
    }


def told(cpuinfo: Path) -> dict[str, str]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
