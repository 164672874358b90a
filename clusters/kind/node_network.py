"""The node network of a kind cluster: a Docker network of its own, whose addresses we give out.

kind puts its nodes on the network that an environment variable names
(https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/providers/docker/network.go). One per cluster
has known addresses, meets no other kind cluster, and goes with the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import msgspec

from clusters.embedded import addresses as embedded_addresses
from clusters.errors import ClusterError, MachineError
from clusters.provider import ClusterSpec

from .engine import Engine

LABEL = "roadtest.cluster"
VARIABLE = "KIND_EXPERIMENTAL_DOCKER_NETWORK"
RESERVE = IPv4Network("172.30.0.0/16")
"""Where another subnet is looked for when the usual one is taken."""
DYNAMIC_PREFIX = 26
"""The first quarter of the subnet: Docker gives the nodes addresses of it."""


class NodeNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """The network, and who has which address on it."""

    name: str
    subnet: str
    clients: dict[str, str]
    servers: dict[str, str]
    pool: str

    @property
    def sink(self) -> str:
        """Where packets go that belong nowhere: an outside host that forwards nothing."""
        return next(iter(self.servers.values()))


def name_for(cluster: str) -> str:
    return f"roadtest-{cluster}"


def make(engine: Engine, spec: ClusterSpec) -> NodeNetwork:
    """Make the network in the subnet that is asked for; where that is the default and taken, in the next free one."""
    name, said = name_for(spec.name), ""
    for subnet in candidates(spec):
        (dynamic, *_) = subnet.subnets(new_prefix=max(DYNAMIC_PREFIX, subnet.prefixlen))
        try:
            engine.run(
                *("network", "create", "--driver", "bridge", "--label", f"{LABEL}={spec.name}"),
                *("--subnet", str(subnet), "--ip-range", str(dynamic), name),
            )
        except ClusterError as error:
            said = error.cause
            if "overlap" in said.lower():
                continue
            raise
        planned = embedded_addresses.plan(msgspec.structs.replace(spec, node_subnet=str(subnet)))
        return NodeNetwork(
            name=name, subnet=str(subnet), clients=planned.clients, servers=planned.servers, pool=planned.pool
        )
    raise MachineError(f"No subnet is free for the node network: {said}", "Choose another one: --node-subnet CIDR.")


def candidates(spec: ClusterSpec) -> Iterator[IPv4Network]:
    """Subnets to try."""
    asked = IPv4Network(spec.node_subnet)
    yield asked
    if spec.node_subnet == ClusterSpec(name="").node_subnet:
        yield from (subnet for subnet in RESERVE.subnets(new_prefix=24) if subnet != asked)
