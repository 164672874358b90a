"""Who has which address. A cluster has no uplink, so these may be the same in every cluster of a machine."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network

import msgspec

from clusters.errors import UsageError
from clusters.provider import ClusterSpec

from .names import node_name

MOST_NODES = 40
CLIENTS = 2
SERVERS = 1
API_PORT = 6443


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of one cluster, worked out from its subnets."""

    node_subnet: str
    pod_subnet: str
    service_subnet: str
    control_plane: str
    """The bridge's own: gateway of the nodes, and where the API server listens."""
    nodes: dict[str, str]
    clients: dict[str, str]
    servers: dict[str, str]
    pods: dict[str, str]
    """Node → the range its pods get their addresses from."""
    kubernetes_service: str
    dns: str
    pool_first: str
    pool_last: str

    @property
    def prefix(self) -> int:
        return ipaddress.ip_network(self.node_subnet).prefixlen

    @property
    def pool(self) -> str:
        return f"{self.pool_first}-{self.pool_last}"

    @property
    def api_server(self) -> str:
        return f"https://{self.control_plane}:{API_PORT}"


def subnet(text: str, what: str, longest: int) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"The {what} {text!r} is not an IPv4 subnet: {error}.", "Write it as 172.30.0.0/24.") from None
    if network.prefixlen > longest:
        raise UsageError(f"The {what} {text} is too small.", f"Use a /{longest} or larger.")
    return network


def plan(spec: ClusterSpec) -> Addresses:
    """Addresses for a cluster; `UsageError` where its subnets overlap, are too small, or the nodes are too many."""
    if not 1 <= spec.nodes <= MOST_NODES:
        raise UsageError(f"A cluster of {spec.nodes} nodes cannot be made.", f"Ask for 1 to {MOST_NODES}.")
    subnets = {
        "node subnet": subnet(spec.node_subnet, "node subnet", 24),
        "pod subnet": subnet(spec.pod_subnet, "pod subnet", 18),
        "service subnet": subnet(spec.service_subnet, "service subnet", 24),
    }
    asked = list(subnets.items())
    for index, (what, one) in enumerate(asked):
        for other_what, other in asked[index + 1 :]:
            if one.overlaps(other):
                raise UsageError(f"The {what} {one} and the {other_what} {other} overlap.", "Choose ranges apart.")
    hosts = subnets["node subnet"].network_address
    services = subnets["service subnet"].network_address
    names = [node_name(number) for number in range(1, spec.nodes + 1)]
    ranges = list(subnets["pod subnet"].subnets(new_prefix=24))
    return Addresses(
        node_subnet=str(subnets["node subnet"]),
        pod_subnet=str(subnets["pod subnet"]),
        service_subnet=str(subnets["service subnet"]),
        control_plane=str(hosts + 1),
        nodes={name: str(hosts + 10 + number) for number, name in enumerate(names, 1)},
        clients={f"client-{number}": str(hosts + 100 + number) for number in range(1, CLIENTS + 1)},
        servers={f"server-{number}": str(hosts + 150 + number) for number in range(1, SERVERS + 1)},
        pods={name: str(ranges[number]) for number, name in enumerate(names, 1)},
        kubernetes_service=str(services + 1),
        dns=str(services + 10),
        pool_first=str(hosts + 200),
        pool_last=str(hosts + 250),
    )


def zone(number: int, nodes: int) -> str:
    """Zone of the node with this number: the first half, rounded up, is in zone-a, the rest in zone-b."""
    return "zone-a" if number <= (nodes + 1) // 2 else "zone-b"


__all__ = ["API_PORT", "Addresses", "IPv4Address", "plan", "zone"]
