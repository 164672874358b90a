"""The node network of a kind cluster: a Docker network of its own, whose addresses we give out.

kind puts its nodes on the network that an environment variable names
(https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/providers/docker/network.go). One per cluster
has known addresses, meets no other kind cluster, and goes with the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import msgspec

from clusters.embedded.addresses import SUBNETS, Addresses, plan
from clusters.errors import ClusterError, MachineError
from clusters.families import Family
from clusters.provider import ClusterSpec

from .engine import Engine

LABEL = "roadtest.cluster"
VARIABLE = "KIND_EXPERIMENTAL_DOCKER_NETWORK"
RESERVED = 256
"""How many subnets from the usual one on are tried when it is taken."""
DYNAMIC_BITS = 6
"""Docker gives the nodes the first 64 addresses; the others are ours to give."""


class NodeNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """The network, and who has which address on it: Docker gives the nodes theirs."""

    name: str
    addresses: Addresses

    @property
    def sinks(self) -> dict[Family, str]:
        """Where packets go that belong nowhere: an outside host that forwards nothing."""
        return {one.family: next(iter(one.servers.values())) for one in self.addresses.every}


def name_for(cluster: str) -> str:
    return f"roadtest-{cluster}"


def make(engine: Engine, spec: ClusterSpec) -> NodeNetwork:
    """Make the network in the subnets that are asked for; where those are the usual ones and taken, in the next."""
    name, said = name_for(spec.name), ""
    for planned in candidates(spec):
        options = ["--driver", "bridge", "--label", f"{LABEL}={spec.name}"]
        for one in planned.every:
            subnet = ip_network(one.node_subnet)
            dynamic = next(subnet.subnets(new_prefix=subnet.max_prefixlen - DYNAMIC_BITS))
            options += ["--subnet", str(subnet), "--ip-range", str(dynamic)]
            options += ["--ipv6"] if one.family == "IPv6" else []
        try:
            engine.run("network", "create", *options, name)
        except ClusterError as error:
            said = error.cause
            if "overlap" in said.lower():
                continue
            raise
        return NodeNetwork(name=name, addresses=planned)
    raise MachineError(f"No subnet is free for the node network: {said}", "Choose another one: --node-subnet CIDR.")


def candidates(spec: ClusterSpec) -> Iterator[Addresses]:
    """The cluster's addresses, worked out for each node subnet to try."""
    yield plan(spec)
    if not spec.node_subnet:
        for number in range(1, RESERVED):
            asked = [following(SUBNETS[family]["node"], number) for family in spec.families]
            yield plan(msgspec.structs.replace(spec, node_subnet=",".join(asked)))


def following(subnet: str, number: int) -> str:
    """The subnet of the same size that comes so many after."""
    network = ip_network(subnet)
    return f"{network.network_address + number * network.num_addresses}/{network.prefixlen}"
