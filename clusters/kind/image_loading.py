"""Brings further images into the nodes of a running cluster, by `kind load image-archive`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clusters import components, paths
from clusters.embedded import names
from clusters.progress import Progress
from clusters.provider import Cluster

from . import archives as image_archives
from . import node_network
from .engine import Engine
from .program import Program

LOAD_SECONDS = 300.0


def load(engine: Engine, cluster: Cluster, archives: Mapping[str, Path], progress: Progress) -> None:
    """All images in one archive: kind loads one at a time, into all nodes side by side."""
    program = components.resolve(["kind"], progress)["kind"]
    environment = {node_network.VARIABLE: node_network.name_for(cluster.name), names.MARK: cluster.name}
    with (
        progress.task(f"{len(archives)} images into the nodes") as task,
        paths.temporary_folder("images-", cluster.scratch) as folder,
    ):
        whole = Path(folder) / "images.tar"
        image_archives.combine(whole, {path: [name] for name, path in archives.items()})
        kind = Program(program, {**engine.environment, **environment}, cluster.state / "logs/kind.log", task)
        kind.run(
            *("load", "image-archive", str(whole), "--name", cluster.name),
            doing="load the images into the nodes",
            seconds=LOAD_SECONDS,
        )
