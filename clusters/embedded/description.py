"""The handle of a cluster that came up."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Literal

import msgspec

from clusters import controllers, icmp, system_packages
from clusters.families import told
from clusters.guest import inside as guest
from clusters.provider import Cluster, ClusterSpec, Place, Ranges

from . import cgroups
from .addresses import Addresses, zone
from .names import netns_path, place_netns
from .node_files import KUBE_PROXY_MIN_SYNC_PERIOD, KUBE_PROXY_SYNC_PERIOD, NODE_LOST_SECONDS
from .parts import versions


def describe(spec: ClusterSpec, addresses: Addresses, folder: Path, timings: dict[str, float]) -> Cluster:
    hosts = addresses.hosts()

    def place(name: str, role: Literal["node", "client", "server"], number: int = 0) -> Place:
        path = str(netns_path(place_netns(spec.name, name)))
        return Place(
            name=name,
            role=role,
            address=hosts[name][addresses.family],
            addresses=hosts[name],
            pod_subnet=addresses.pods.get(name, ""),
            pod_subnets={one.family: one.pods[name] for one in addresses.every if role == "node"},
            zone=zone(number, spec.nodes) if number else "",
            netns=path,
            command=["nsenter", f"--net={path}"],
        )

    return Cluster(
        name=spec.name,
        provider="embedded",
        provider_reason="",
        mode=spec.mode,
        kubeconfig=folder / "pki" / "admin.kubeconfig",
        state=folder,
        nodes=[place(name, "node", number) for number, name in enumerate(addresses.nodes, 1)],
        clients=[place(name, "client") for name in addresses.clients],
        servers=[place(name, "server") for name in addresses.servers],
        **ranges(addresses),
        dns_address=addresses.dns,
        dns_domain=addresses.dns_domain,
        controllers=list(spec.controllers),
        versions={**versions(), **programs(), **controllers.versions(spec.controllers)},
        conditions=conditions(spec),
        timings=timings,
    )


def ranges(addresses: Addresses) -> dict[str, Any]:
    """Families and ranges, as `Cluster` has them."""
    every = {
        one.family: Ranges(pod_subnet=one.pod_subnet, service_subnet=one.service_subnet, load_balancer_pool=one.pool)
        for one in addresses.every
    }
    return {**msgspec.structs.asdict(every[addresses.family]), "families": list(every), "ranges": every}


def programs() -> dict[str, str]:
    """Versions of this machine's own programs that take part; `iptables` names its backend too."""
    found = {}
    for name in ("runc", "iptables", "nft"):
        command = [system_packages.find(name) or name, "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        version = re.search(r"\d+\.\d+.*", said)
        found[name] = version[0] if version else "unknown"
    return found


def conditions(spec: ClusterSpec) -> dict[str, str]:
    """What of a cluster of ours a reader of figures or verdicts must know."""
    return {
        **guest.conditions(),
        "kernel": os.uname().release,
        "cpus": str(os.cpu_count()),
        "cgroups": "v2" if cgroups.unified(cgroups.ROOT) else "v1",
        "kube-proxy minSyncPeriod (every mode)": KUBE_PROXY_MIN_SYNC_PERIOD,
        "kube-proxy syncPeriod (every mode)": KUBE_PROXY_SYNC_PERIOD,
        "a silent node is taken for lost": f"after {NODE_LOST_SECONDS * spec.patience:g} s (Kubernetes' default: 50 s)",
        "pod network": "CNI ptp, static routes between nodes, no encapsulation, MTU 1500",
        "node network": "one Linux bridge, a veth pair per node; all nodes share one kernel and its conntrack limits",
        **icmp.CONDITION,
        "pod traffic that leaves the pod network": "masqueraded to the node's address",
        "IP families": told(spec.families),
        "DNS": f"names outside {spec.dns_domain} are forwarded to server-1 and never cached",
        "Gateway API definitions": f"{spec.gateway_api} channel",
        "etcd": "does not wait for the disk (--unsafe-no-fsync)",
        **controllers.image_sources(spec.controllers, others="its registry"),
    }
