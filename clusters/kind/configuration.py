"""What kind is told: https://kind.sigs.k8s.io/docs/user/configuration/"""

from __future__ import annotations

import msgspec
import yaml

from clusters.embedded.addresses import zone
from clusters.embedded.node_files import KUBE_PROXY_MIN_SYNC_PERIOD, KUBE_PROXY_SYNC_PERIOD
from clusters.provider import ClusterSpec

ZONE_LABEL = "topology.kubernetes.io/zone"


def configuration(spec: ClusterSpec, *, own_network: bool) -> str:
    """kind's configuration of a cluster. ``own_network``: kind's own pod network is not in the node image.

    The first node is the control plane and takes pods like the others.
    """
    networking: dict[str, object] = {
        "ipFamily": "ipv4",
        "kubeProxyMode": spec.mode,
        "podSubnet": spec.pod_subnet,
        "serviceSubnet": spec.service_subnet,
        "disableDefaultCNI": own_network,
        # Not this machine's: a name without a dot would be asked of somebody else's servers.
        "dnsSearch": [],
    }
    if spec.api_port:
        networking["apiServerPort"] = spec.api_port
    nodes = [
        {"role": "worker" if number > 1 else "control-plane", "labels": {ZONE_LABEL: zone(number, spec.nodes)}}
        for number in range(1, spec.nodes + 1)
    ]
    document = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": networking,
        "nodes": nodes,
        "kubeadmConfigPatches": [yaml.safe_dump(patch, sort_keys=False) for patch in patches()],
    }
    return yaml.safe_dump(document, sort_keys=False)


def patches() -> list[dict[str, object]]:
    """Changes to kubeadm's configuration (https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/)."""
    periods = {"syncPeriod": KUBE_PROXY_SYNC_PERIOD, "minSyncPeriod": KUBE_PROXY_MIN_SYNC_PERIOD}
    return [
        {"kind": "InitConfiguration", "nodeRegistration": {"taints": []}},
        # A machine with cgroup v1 is a machine, too.
        {"kind": "KubeletConfiguration", "failCgroupV1": False, "serializeImagePulls": False},
        {"kind": "KubeProxyConfiguration", "iptables": periods, "nftables": periods, "ipvs": periods},
    ]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the cluster's API tells of it."""

    name: str
    address: str
    pod_subnet: str
    zone: str


def node(told: dict[str, object]) -> Node:
    """Read a Node object."""
    found = msgspec.convert(told, _Object)
    addresses = {one.type: one.address for one in found.status.addresses}
    return Node(
        name=found.metadata.name,
        address=addresses.get("InternalIP", ""),
        pod_subnet=found.spec.pod_subnet,
        zone=found.metadata.labels.get(ZONE_LABEL, ""),
    )


class _Metadata(msgspec.Struct):
    name: str
    labels: dict[str, str] = {}


class _Spec(msgspec.Struct):
    pod_subnet: str = msgspec.field(name="podCIDR", default="")


class _Address(msgspec.Struct):
    type: str
    address: str


class _Status(msgspec.Struct):
    addresses: list[_Address] = []


class _Object(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _Status
