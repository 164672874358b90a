"""Brings further images into the nodes of a running cluster: what a check needs that no ordinary cluster holds."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clusters import components
from clusters.components.catalogue import architecture
from clusters.errors import ClusterError
from clusters.progress import Progress

from .golden_store import NAMESPACE
from .node_files import CONTAINERD_SOCKET

LOAD_SECONDS = 300.0


def load(entrances: Mapping[str, Sequence[str]], archives: Mapping[str, Path], progress: Progress) -> None:
    """Import each archive (by its image's full name) on each node that lacks it; ``entrances``: node → prefix."""
    ctr = [str(components.resolve(["ctr"], progress)["ctr"]), f"--address={CONTAINERD_SOCKET}", f"-n={NAMESPACE}"]
    with progress.task(f"{len(archives)} images into the nodes", total=len(entrances), unit="nodes") as task:

        def load_into(node: str) -> None:
            entrance = entrances[node]
            there = set(_run(node, [*entrance, *ctr, "images", "list", "--quiet"]).split())
            for name, archive in archives.items():
                if name not in there:
                    options = ["--local", f"--platform=linux/{architecture()}", "--snapshotter=overlayfs"]
                    _run(node, [*entrance, *ctr, "images", "import", *options, str(archive)])
            task.advance(1)

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(load_into, entrances))


def _run(node: str, command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"An image could not be loaded into {node} within {LOAD_SECONDS:.0f} s.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise ClusterError(f"An image could not be loaded into {node}: {lines[-1]}")
    return done.stdout
