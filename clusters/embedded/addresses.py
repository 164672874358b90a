"""Who has which address. A cluster has no uplink, so these may be the same in every cluster of a machine."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network

import msgspec

from clusters.errors import UsageError
from clusters.families import Family, at, family_of
from clusters.provider import ClusterSpec

from .names import node_name

MOST_NODES = 40
CLIENTS = 2
SERVERS = 1
API_PORT = 6443

Network = IPv4Network | IPv6Network
SUBNETS: Mapping[Family, Mapping[str, str]] = {
    "IPv4": {"node": "172.30.0.0/24", "pod": "10.244.0.0/16", "service": "10.96.0.0/16"},
    "IPv6": {"node": "fd00:172:30::/64", "pod": "fd00:10:244::/56", "service": "fd00:10:96::/112"},
}
"""Where the user names no others. IPv6: unique local addresses (RFC 4193)."""
POD_PREFIX: Mapping[Family, int] = {"IPv4": 24, "IPv6": 64}
"""Of one node's pods; kube-controller-manager's defaults."""
LONGEST: Mapping[Family, Mapping[str, int]] = {
    "IPv4": {"node": 24, "pod": 18, "service": 24},
    "IPv6": {"node": 120, "pod": 58, "service": 120},
}
LARGEST_SERVICES: Mapping[Family, int] = {"IPv4": 12, "IPv6": 108}
"""kube-apiserver's --service-cluster-ip-range takes at most 20 bits of addresses."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of one cluster in one family, worked out from its subnets."""

    family: Family
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
    dns_domain: str
    """Of the cluster's own names: who has an address is found by one of them."""
    pool_first: str
    pool_last: str
    secondary: Addresses | None = None
    """The same in the cluster's other family, where it has two."""

    @property
    def every(self) -> list[Addresses]:
        """One for each family, the primary one first."""
        return [self, *(self.secondary.every if self.secondary else [])]

    @property
    def prefix(self) -> int:
        return ipaddress.ip_network(self.node_subnet).prefixlen

    @property
    def pool(self) -> str:
        return f"{self.pool_first}-{self.pool_last}"

    @property
    def api_server(self) -> str:
        return f"https://{at(self.control_plane)}:{API_PORT}"

    @property
    def pod_subnets(self) -> str:
        """Of every family, as Kubernetes' command lines take them."""
        return ",".join(one.pod_subnet for one in self.every)

    @property
    def service_subnets(self) -> str:
        return ",".join(one.service_subnet for one in self.every)

    def hosts(self) -> dict[str, dict[Family, str]]:
        """Every place on the node network → family → address."""
        return {
            name: {one.family: {**one.nodes, **one.clients, **one.servers}[name] for one in self.every}
            for name in (*self.nodes, *self.clients, *self.servers)
        }


def subnets(text: str, what: str, families: list[Family]) -> dict[Family, Network]:
    """Family → subnet, from what the user says of it (one, or one of each family with a comma) and our defaults."""
    found: dict[Family, Network] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            network: Network = ipaddress.ip_network(word)
        except ValueError as error:
            raise UsageError(f"The {what} subnet {word!r} is none: {error}.", "Write it as 172.30.0.0/24.") from None
        family = family_of(word)
        if family not in families:
            raise UsageError(
                f"The {what} subnet {word} is {family}, and the cluster is {' and '.join(families)}.",
                "Say which families it has: --families ipv4,ipv6.",
            )
        if family in found:
            raise UsageError(f"There are two {family} {what} subnets.", "Name one of each family.")
        if network.prefixlen > LONGEST[family][what]:
            raise UsageError(f"The {what} subnet {word} is too small.", f"Use a /{LONGEST[family][what]} or larger.")
        if what == "service" and network.prefixlen < LARGEST_SERVICES[family]:
            raise UsageError(
                f"The {what} subnet {word} is too large for the API server.",
                f"Use a /{LARGEST_SERVICES[family]} or smaller.",
            )
        found[family] = network
    return {family: found.get(family) or ipaddress.ip_network(SUBNETS[family][what]) for family in families}


def plan(spec: ClusterSpec) -> Addresses:
    """Addresses for a cluster; `UsageError` where its subnets overlap, are too small, or the nodes are too many."""
    if not 1 <= spec.nodes <= MOST_NODES:
        raise UsageError(f"A cluster of {spec.nodes} nodes cannot be made.", f"Ask for 1 to {MOST_NODES}.")
    every = {
        "node": subnets(spec.node_subnet, "node", spec.families),
        "pod": subnets(spec.pod_subnet, "pod", spec.families),
        "service": subnets(spec.service_subnet, "service", spec.families),
    }
    planned: Addresses | None = None
    for family in reversed(spec.families):
        planned = _plan(spec, family, {what: found[family] for what, found in every.items()}, planned)
    if planned is None:
        raise UsageError("A cluster without an IP family cannot be made.", "Name one: --families ipv4.")
    return planned


def _plan(spec: ClusterSpec, family: Family, networks: Mapping[str, Network], secondary: Addresses | None) -> Addresses:
    asked = list(networks.items())
    for index, (what, one) in enumerate(asked):
        for other_what, other in asked[index + 1 :]:
            if one.overlaps(other):
                raise UsageError(
                    f"The {what} subnet {one} and the {other_what} subnet {other} overlap.", "Choose ranges apart."
                )
    hosts = networks["node"].network_address
    services = networks["service"].network_address
    names = [node_name(number) for number in range(1, spec.nodes + 1)]
    ranges = list(itertools.islice(networks["pod"].subnets(new_prefix=POD_PREFIX[family]), spec.nodes + 1))
    return Addresses(
        family=family,
        node_subnet=str(networks["node"]),
        pod_subnet=str(networks["pod"]),
        service_subnet=str(networks["service"]),
        control_plane=str(hosts + 1),
        nodes={name: str(hosts + 10 + number) for number, name in enumerate(names, 1)},
        clients={f"client-{number}": str(hosts + 100 + number) for number in range(1, CLIENTS + 1)},
        servers={f"server-{number}": str(hosts + 150 + number) for number in range(1, SERVERS + 1)},
        pods={name: str(ranges[number]) for number, name in enumerate(names, 1)},
        kubernetes_service=str(services + 1),
        dns=str(services + 10),
        dns_domain=spec.dns_domain,
        pool_first=str(hosts + 200),
        pool_last=str(hosts + 250),
        secondary=secondary,
    )


def zone(number: int, nodes: int) -> str:
    """Zone of the node with this number: the first half, rounded up, is in zone-a, the rest in zone-b."""
    return "zone-a" if number <= (nodes + 1) // 2 else "zone-b"
