"""Removes a kind cluster of ours, whatever state it is in. Safe to repeat, and to interrupt."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from clusters.embedded import removal as processes
from clusters.embedded.journal import JOURNAL, Journal
from clusters.errors import ClusterError

from . import containers
from .engine import Engine
from .node_network import name_for

LOADED_FILE = "loaded.json"
REMOVE_SECONDS = 120.0


def remove(engine: Engine | None, cluster: str, folder: Path) -> None:
    """Remove processes, containers with their volumes, the network, images that were loaded for it, and files.

    ``engine``: nothing where the one it ran in was ours and has been stopped, which removed everything in it.
    """
    processes.kill(cluster, [], Journal(folder / JOURNAL).processes())
    if engine:
        if found := containers.ours(engine, cluster):
            engine.run("rm", "--force", "--volumes", *found, seconds=REMOVE_SECONDS)
        if engine.inspect("network", name_for(cluster)):
            engine.run("network", "rm", name_for(cluster))
        for image in loaded(folder):
            with suppress(ClusterError):  # another cluster uses it
                engine.run("rmi", image)
    processes.remove_folder(folder)


def loaded(folder: Path) -> list[str]:
    """Images that were loaded into the engine for a cluster."""
    try:
        return [str(name) for name in json.loads((folder / LOADED_FILE).read_bytes())]
    except (OSError, ValueError):
        return []
