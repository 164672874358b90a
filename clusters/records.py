"""Clusters on record: one folder each, with everything of the cluster in it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from . import paths
from .errors import ClusterError
from .provider import Cluster

FILE = "cluster.json"
MARK = "provider"
"""Holds the name of the provider; clusters without it are embedded."""
COMMAND = "./noxw -s cluster --"
"""What a user types before a verb."""


def every_folder() -> Path:
    return paths.state_folder() / "clusters"


def folder(name: str) -> Path:
    """The state folder of the cluster called ``name``."""
    return every_folder() / name


def failed_folder(name: str) -> Path:
    """Where the logs of a cluster that did not come up are kept until the next of its name is removed."""
    return paths.state_folder() / "failed" / name


def save(cluster: Cluster) -> None:
    """Write ``cluster.json``, whole or not at all."""
    path = cluster.state / FILE
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(cluster, enc_hook=str)))
    draft.replace(path)


def load(name: str) -> Cluster:
    """The cluster on record; `ClusterError` lists those that are where there is none, or only half of one."""
    path = folder(name) / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cluster, dec_hook=_decode)
    except FileNotFoundError:
        pass
    except msgspec.DecodeError as error:
        raise ClusterError(f"The record {path} is damaged: {error}.", f"Remove the cluster: {removal(name)}") from None
    if folder(name).is_dir():
        raise ClusterError(
            f"The cluster {name} did not come up, or is still coming up.",
            f"Remove what there is of it: {removal(name)}",
        )
    others = ", ".join(on_record()) or "none"
    raise ClusterError(f"There is no cluster called {name}.", f"Clusters here: {others}. {COMMAND} create makes one.")


def mark(name: str, provider: str) -> None:
    """Say whose a cluster is before there is more of it, so that a half-made one can be removed."""
    (folder(name) / MARK).write_text(provider, encoding="ascii")


def provider(name: str) -> str:
    """The name of the provider that a cluster came from; empty where there is no record of it."""
    try:
        return (folder(name) / MARK).read_text(encoding="ascii")
    except OSError:
        pass
    try:
        return load(name).provider
    except ClusterError:
        return ""


def on_record() -> list[str]:
    """Names of all clusters with a folder, also of half-made ones."""
    try:
        return sorted(path.name for path in every_folder().iterdir() if path.is_dir())
    except OSError:
        return []


def taken(name: str) -> ClusterError:
    """What to raise where a cluster is to be made that is there already."""
    return ClusterError(
        f"There is a cluster called {name} already.", f"Remove it with: {removal(name)}; or choose another name."
    )


def removal(name: str) -> str:
    """What a user types to remove a cluster."""
    return f"{COMMAND} delete {name}"


def _decode(kind: type, value: object) -> object:
    return kind(value)
