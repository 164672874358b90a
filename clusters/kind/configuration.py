"""What kind is told: https://kind.sigs.k8s.io/docs/user/configuration/"""

from __future__ import annotations

import msgspec
import yaml

from clusters.embedded.addresses import Addresses, zone
from clusters.embedded.identities import LOOPBACK
from clusters.embedded.node_files import KUBE_PROXY_MIN_SYNC_PERIOD, KUBE_PROXY_SYNC_PERIOD
from clusters.families import Family, family_of
from clusters.provider import ClusterSpec

ZONE_LABEL = "topology.kubernetes.io/zone"


def configuration(spec: ClusterSpec, addresses: Addresses, *, own_network: bool) -> str:
    """kind's configuration of a cluster. ``own_network``: kind's own pod network is not in the node image.

    The first node is the control plane and takes pods like the others.
    """
    networking: dict[str, object] = {
        "ipFamily": addresses.family.lower() if addresses.secondary is None else "dual",
        # Also of an IPv6 cluster, whose usual one is ::1: not every machine has it.
        "apiServerAddress": LOOPBACK,
        "kubeProxyMode": spec.mode,
        "podSubnet": addresses.pod_subnets,
        "serviceSubnet": addresses.service_subnets,
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
        "kubeadmConfigPatches": [yaml.safe_dump(patch, sort_keys=False) for patch in patches(spec)],
    }
    return yaml.safe_dump(document, sort_keys=False)


def patches(spec: ClusterSpec) -> list[dict[str, object]]:
    """Changes to kubeadm's configuration (https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/)."""
    periods = {"syncPeriod": KUBE_PROXY_SYNC_PERIOD, "minSyncPeriod": KUBE_PROXY_MIN_SYNC_PERIOD}
    return [
        # The kubelets' and the API server's own settings follow from it.
        {"kind": "ClusterConfiguration", "networking": {"dnsDomain": spec.dns_domain}},
        {"kind": "InitConfiguration", "nodeRegistration": {"taints": []}},
        # A machine with cgroup v1 is a machine, too.
        {"kind": "KubeletConfiguration", "failCgroupV1": False, "serializeImagePulls": False},
        {"kind": "KubeProxyConfiguration", "iptables": periods, "nftables": periods, "ipvs": periods},
    ]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the cluster's API tells of it."""

    name: str
    addresses: dict[Family, str]
    pod_subnets: dict[Family, str]
    zone: str


def node(told: dict[str, object]) -> Node:
    """Read a Node object."""
    found = msgspec.convert(told, _Object)
    addresses = [one.address for one in found.status.addresses if one.type == "InternalIP"]
    return Node(
        name=found.metadata.name,
        addresses={family_of(address): address for address in addresses},
        pod_subnets={family_of(subnet): subnet for subnet in found.spec.pod_subnets},
        zone=found.metadata.labels.get(ZONE_LABEL, ""),
    )


class _Metadata(msgspec.Struct):
    name: str
    labels: dict[str, str] = {}


class _Spec(msgspec.Struct):
    pod_subnets: list[str] = msgspec.field(name="podCIDRs", default_factory=list)


class _Address(msgspec.Struct):
    type: str
    address: str


class _Status(msgspec.Struct):
    addresses: list[_Address] = []


class _Object(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _Status
