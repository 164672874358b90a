"""Brings a grid's image to the nodes: it is in no registry, so each node's own store is given it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import IO

import clusters
from clusters import components
from clusters.errors import ClusterError, UsageError
from clusters.paths import temporary_folder
from clusters.progress import SilentProgress
from clusters.provider import Cluster
from loadprofiles.pods import image

IMPORT_SECONDS = 300.0


def brought(cluster: Cluster) -> str:
    """The image's name, once it is on every node."""
    with temporary_folder("roadtest-image-", cluster.scratch) as folder:
        name, archive = image.write(Path(folder))
        bring(name, archive, cluster)
    return name


def bring(name: str, archive: Path, cluster: Cluster) -> None:
    """Give each node's containerd the image, where it does not have it."""
    provider = clusters.provider_for(cluster)
    ours = components.resolve(["ctr"], SilentProgress())["ctr"].parent
    for node in cluster.nodes:
        if not node.netns:
            raise UsageError(
                f"The image store of node {node.name} cannot be reached from here.",
                "Push the image to a registry that the nodes reach, and name it: --grid-image NAME (docs/grid.md).",
            )
        # A terminal is no way for an archive. A node with a root of its own does not see our ctr, and has one.
        entrance = [word for word in provider.entrance(cluster, node.name) if word != "-t"]
        ctr = [*entrance, "/bin/sh", "-c", f'PATH="{ours}:$PATH" exec ctr --namespace k8s.io images "$@"', "ctr"]
        if name not in _run([*ctr, "list", "--quiet", f"name=={name}"], node.name):
            with archive.open("rb") as stream:
                _run([*ctr, "import", "--local", "-"], node.name, stream)


def _run(command: list[str], node: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> str:
    try:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False, timeout=IMPORT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"containerd of node {node} did not answer within {IMPORT_SECONDS:g} s.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ClusterError(f"Node {node} did not take the grid's image: {last}.")
    return done.stdout
