"""The handle of a kind cluster that came up."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from clusters import controllers
from clusters.embedded import addresses
from clusters.embedded.description import programs
from clusters.embedded.node_files import KUBE_PROXY_MIN_SYNC_PERIOD, KUBE_PROXY_SYNC_PERIOD
from clusters.embedded.timeline import Timeline
from clusters.provider import Cluster, ClusterSpec

from . import containers
from .configuration import Node
from .engine import Engine
from .node_image import NodeImage
from .node_network import NodeNetwork
from .outside import container_name


def describe(
    spec: ClusterSpec,
    engine: Engine,
    image: NodeImage,
    folder: Path,
    network: NodeNetwork,
    nodes: Sequence[Node],
    versions: Mapping[str, str],
    timeline: Timeline,
) -> Cluster:
    return Cluster(
        name=spec.name,
        provider="kind",
        provider_reason="",
        mode=spec.mode,
        kubeconfig=folder / "admin.kubeconfig",
        state=folder,
        nodes=[
            containers.place(engine, node.name, node.name, "node", node.address, node.pod_subnet, node.zone)
            for node in nodes
        ],
        clients=[
            containers.place(engine, container_name(spec.name, name), name, "client", address)
            for name, address in network.clients.items()
        ],
        servers=[
            containers.place(engine, container_name(spec.name, name), name, "server", address)
            for name, address in network.servers.items()
        ],
        pod_subnet=spec.pod_subnet,
        service_subnet=spec.service_subnet,
        load_balancer_pool=network.pool,
        dns_address=addresses.plan(spec).dns,
        controllers=list(spec.controllers),
        versions={**versions, **programs(), **controllers.versions(spec.controllers)},
        conditions=conditions(spec, engine, image),
        timings=timeline.seconds,
    )


def conditions(spec: ClusterSpec, engine: Engine, image: NodeImage) -> dict[str, str]:
    """What of a kind cluster a reader of figures or verdicts must know."""
    told = engine.info()
    pods = "CNI ptp, static routes between nodes, no encapsulation, MTU 1500" if image.own else "kindnet"
    return {
        "kernel": str(told.get("KernelVersion", os.uname().release)),
        "cpus": str(told.get("NCPU", os.cpu_count())),
        "cgroups": f"v{told.get('CgroupVersion', '?')}",
        "engine": f"Docker {told.get('ServerVersion', '?')}{' in namespaces of its own' if engine.ours else ''}",
        "kube-proxy minSyncPeriod (every mode)": KUBE_PROXY_MIN_SYNC_PERIOD,
        "kube-proxy syncPeriod (every mode)": KUBE_PROXY_SYNC_PERIOD,
        "pod network": pods,
        "node network": "one Docker network of the cluster's own; all nodes share one kernel and its conntrack limits",
        "pod traffic that leaves the pod network": "masqueraded to the node's address",
        "DNS": "names outside cluster.local are forwarded to server-1 and never cached",
        "Gateway API definitions": f"{spec.gateway_api} channel",
        "control plane": "its node takes pods like the others",
    }
