"""What a check may need beyond pods and Services, by name; a cluster says in `Cluster.lacks` which of it cannot be had.

Clusters that we make give all of it, given nodes enough. On one that is somebody else's much depends on what it is and
what we may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from clusters.families import Family
from clusters.provider import Cluster


class Need(StrEnum):
    """The marker ``needs`` of a check names these, and some fixtures stand for one (`fixtures.needs`)."""

    OUTSIDE_CLIENT = "outside-client"
    """A client that is not in the cluster."""
    SECOND_CLIENT = "second-client"
    """Another, with another address."""
    OUTSIDE_SERVER = "outside-server"
    """A host outside that pods reach, and whose DNS server the cluster asks."""
    NODES = "nodes"
    """The nodes' names and addresses."""
    TWO_NODES = "two-nodes"
    THREE_NODES = "three-nodes"
    DUAL_STACK = "dual-stack"
    """Services of two IP families."""
    SINGLE_STACK = "single-stack"
    """Services of one IP family only."""
    NODE_ACCESS = "node-access"
    """Commands on the nodes."""
    KUBE_PROXY = "kube-proxy"
    """To restart kube-proxy and to change its configuration."""
    STEADY_STREAM = "steady-stream"
    """To send requests on a schedule from inside the network of a pod."""
    CUT_OFF = "cut-off"
    """To cut a node off its network, and to join it again."""
    NODE_PORTS = "node-ports"
    """The client's packets reach the nodes' addresses."""
    HOST_NETWORK = "host-network"
    """Pods in a node's own network."""
    MODE = "mode"
    """To know kube-proxy's mode."""
    SERVICE_RANGE = "service-range"
    """To know the range that cluster IPs are from."""
    ADDRESS_POOL = "address-pool"
    """MetalLB, and to know its one range of addresses in the check's IP family."""
    ADDRESS_POOLS = "address-pools"
    """The same in each of the cluster's IP families."""
    ALL_SERVICES = "all-services"
    """To see the Services of all namespaces."""
    INGRESS = "ingress"
    """A controller with an IngressClass."""
    GATEWAY = "gateway"
    """A controller with a GatewayClass, and the Gateway API's definitions."""
    CANARY_INGRESS = "canary-ingress"
    """A class whose Ingresses split traffic by annotations."""
    CONTROLLER = "controller"
    """To change the controller's own objects for a while: its class, its Service, how it is started."""
    CLUSTER_SCOPED = "cluster-scoped"
    """Objects outside of namespaces."""
    EXTERNAL_IPS = "external-ips"
    """Services that take a port at an address that is not theirs, from everybody in the cluster."""
    CLIENT_ROUTES = "client-routes"
    """To give outside clients a route."""
    CATCH_ALL = "catch-all"
    """Routes that take what no rule of anybody matches."""
    LABELLED_NAMESPACES = "labelled-namespaces"
    """Namespaces of our own, with labels."""
    CERT_MANAGER = "cert-manager"
    """To put cert-manager, and an ACME server for it, on the cluster."""
    ANOTHER_NAMESPACE = "another-namespace"
    """The pods to send from are in another namespace than what they are sent to."""


def within(need: str, family: Family) -> str:
    """The need in one IP family: another may give it."""
    return f"{need} in {family}"


def lack(lacks: Mapping[str, str], need: str, family: Family) -> str:
    """Why a need is not met in a family, out of what a cluster lacks; empty where it is."""
    return lacks.get(need) or lacks.get(within(need, family), "")


def kind(name: str) -> str:
    """The need to make objects of a kind: ``kind Ingress``."""
    return f"kind {name}"


def too_few(count: int, cluster: Cluster) -> str:
    """That a cluster has fewer nodes than a check is about."""
    return f"needs {count} nodes, and this cluster has {len(cluster.nodes)}"


def lacking(cluster: Cluster) -> dict[str, str]:
    """Everything that this cluster cannot give → why."""
    found = dict(cluster.lacks)
    for need, count in ((Need.TWO_NODES, 2), (Need.THREE_NODES, 3)):
        if len(cluster.nodes) < count:
            found.setdefault(need, found.get(Need.NODES, too_few(count, cluster)))
    has = f"and this cluster has {' and '.join(cluster.families)}."
    if len(cluster.families) < 2:
        found.setdefault(Need.DUAL_STACK, f"It needs two IP families, {has}")
    else:
        found.setdefault(Need.SINGLE_STACK, f"It is about clusters of one IP family, {has}")
    return found
