"""Puts a grid's workers on a cluster: brings the image to each node, applies the manifest, waits for the pods."""

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
from fixtures.workloads import Namespace
from loadprofiles.grid import Grid
from loadprofiles.pods import image

MANIFEST = Path(__file__).parent.parent / "manifests" / "workers.yaml"
IMPORT_SECONDS = 300.0


def start(grid: Grid, cluster: Cluster, namespace: Namespace) -> None:
    """Have the workers run in a namespace; they go with it."""
    with temporary_folder("roadtest-image-", cluster.scratch) as folder:
        name, archive = image.write(Path(folder))
        bring(name, archive, cluster)
    (deployment,) = namespace.read(MANIFEST)
    deployment["spec"]["replicas"] = grid.workers
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["image"] = name
    container["args"] = ["--stay", "--master", f"{grid.address}:{grid.port}"]
    namespace.apply_object(deployment)
    namespace.wait_ready()


def bring(name: str, archive: Path, cluster: Cluster) -> None:
    """Give each node's containerd the image, where it does not have it."""
    provider = clusters.provider_for(cluster)
    ours = components.resolve(["ctr"], SilentProgress())["ctr"].parent
    for node in cluster.nodes:
        if not node.netns:
            raise UsageError(
                f"The image store of node {node.name} cannot be reached from here.",
                "Push the workers' image to a registry of yours and apply the manifest by hand: docs/grid.md.",
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
        raise ClusterError(f"Node {node} did not take the workers' image: {last}.")
    return done.stdout
