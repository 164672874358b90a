"""Images of controllers that are not ours: out of the engine, which pulls what it has not, into every node.

A node has no way out, so it is given them before it is sealed.
"""

from __future__ import annotations

from pathlib import Path

from clusters.components.catalogue import architecture
from clusters.controllers import Needed
from clusters.errors import ClusterError, MachineError
from clusters.progress import Progress

from .configuration import Node
from .engine import Engine

PULL_SECONDS = 1800.0
LOAD_SECONDS = 600.0
CURE = "Have it in the engine first (docker pull, docker load), or name an archive of it in controller.toml: archives."


def archives(engine: Engine, needed: Needed, folder: Path, progress: Progress) -> list[Path]:
    """Archives of every image; what the engine has is taken as it is, and never pulled again."""
    given = list(dict.fromkeys(needed.archives.values()))
    if not needed.names:
        return given
    for name in needed.names:
        if not engine.inspect("image", name):
            try:
                with progress.task(f"pulling {name}"):
                    engine.run("pull", "--quiet", name, seconds=PULL_SECONDS)
            except ClusterError as error:
                cause = f"The Docker engine has no image {name}, and could not pull it: {error.cause}"
                raise MachineError(cause, CURE) from error
    saved = folder / "controllers.tar"
    engine.run("save", "--output", str(saved), *needed.names, seconds=LOAD_SECONDS)
    return [*given, saved]


def load(engine: Engine, node: Node, every: list[Path]) -> None:
    """Give a node the images of these archives, for its own processor: an engine need not have those for others."""
    take = ["exec", "-i", node.name, "ctr", "--namespace=k8s.io", "images", "import"]
    for archive in every:
        engine.run(*take, "--platform", f"linux/{architecture()}", "-", given=archive, seconds=LOAD_SECONDS)
