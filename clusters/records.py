"""Clusters on record: one folder each, with everything of the cluster in it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from clusters import paths
from clusters.errors import ClusterError
from clusters.provider import Cluster

FILE = "cluster.json"


def every_folder() -> Path:
    return paths.state_folder() / "clusters"


def folder(name: str) -> Path:
    return every_folder() / name


def save(cluster: Cluster) -> None:
    """Write ``cluster.json``, whole or not at all."""
    path = cluster.state / FILE
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(cluster, enc_hook=str)))
    draft.replace(path)


def load(name: str) -> Cluster:
    """The cluster on record; `ClusterError` naming those that are where there is none."""
    try:
        content = (folder(name) / FILE).read_bytes()
    except OSError:
        others = ", ".join(names()) or "none"
        raise ClusterError(
            f"There is no cluster called {name}.", f"Clusters here: {others}. `python -m clusters create` makes one."
        ) from None
    return msgspec.json.decode(content, type=Cluster, dec_hook=lambda kind, value: kind(value))


def names() -> list[str]:
    """Names of all clusters on record, also of half-made ones."""
    try:
        return sorted(path.name for path in every_folder().iterdir() if path.is_dir())
    except OSError:
        return []
