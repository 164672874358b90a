"""Puts a grid's workers on a cluster: brings the image to each node, applies the manifest, waits for the pods."""

from __future__ import annotations

import subprocess
from pathlib import Path

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
    ctr = str(components.resolve(["ctr"], SilentProgress())["ctr"])
    for node in cluster.nodes:
        if not node.netns:
            raise UsageError(
                f"The image store of node {node.name} cannot be reached from here.",
                "Push the workers' image to a registry of yours and apply the manifest by hand: docs/grid.md.",
            )
        there = [*provider.entrance(cluster, node.name), ctr, "--namespace", "k8s.io", "images"]
        if name not in _run([*there, "list", "--quiet", f"name=={name}"], node.name):
            _run([*there, "import", "--local", "--snapshotter", "overlayfs", str(archive)], node.name)


def _run(command: list[str], node: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=IMPORT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"containerd of node {node} did not answer within {IMPORT_SECONDS:g} s.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ClusterError(f"Node {node} did not take the workers' image: {last}.")
    return done.stdout
