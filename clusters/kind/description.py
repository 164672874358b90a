"""The handle of a kind cluster that came up."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from clusters import controllers, icmp
from clusters.embedded.description import programs, ranges
from clusters.embedded.node_files import KUBE_PROXY_MIN_SYNC_PERIOD, KUBE_PROXY_SYNC_PERIOD
from clusters.embedded.timeline import Timeline
from clusters.families import told as told_families
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
    planned = network.addresses
    hosts = planned.hosts()
    return Cluster(
        name=spec.name,
        provider="kind",
        provider_reason="",
        mode=spec.mode,
        kubeconfig=folder / "admin.kubeconfig",
        state=folder,
        nodes=[
            containers.place(engine, node.name, node.name, "node", node.addresses, node.pod_subnets, node.zone)
            for node in nodes
        ],
        clients=[
            containers.place(engine, container_name(spec.name, name), name, "client", hosts[name])
            for name in planned.clients
        ],
        servers=[
            containers.place(engine, container_name(spec.name, name), name, "server", hosts[name])
            for name in planned.servers
        ],
        **ranges(planned),
        dns_address=planned.dns,
        dns_domain=planned.dns_domain,
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
        **icmp.CONDITION,
        "pod traffic that leaves the pod network": "masqueraded to the node's address",
        "IP families": told_families(spec.families),
        "DNS": f"names outside {spec.dns_domain} are forwarded to server-1 and never cached",
        "Gateway API definitions": f"{spec.gateway_api} channel",
        "control plane": "its node takes pods like the others",
        **controllers.image_sources(spec.controllers, others="the Docker engine, which pulls what it does not have"),
    }
