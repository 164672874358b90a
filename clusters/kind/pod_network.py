"""The pod network of a kind cluster whose node image has none: the same as on an embedded cluster.

CNI's ptp and portmap, a static route to each other node's pods, and pods that leave the pod network masqueraded. For a
cluster with kind's own pod network only the way out is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clusters import icmp
from clusters.embedded import masquerade
from clusters.embedded.node_files import network_list
from clusters.families import EVERYTHING, FAMILIES, Family

from .configuration import Node
from .engine import Engine
from .node_network import NodeNetwork

FILE = "/etc/cni/net.d/10-roadtest.conflist"
IPAM_STATE = "/run/cni-ipam-state"
NODE_INTERFACE = "eth0"


def seal(network: NodeNetwork, control_plane: Node) -> str:
    """Shell: close a node's ways out of the cluster.

    What belongs to no network of the cluster goes to a host that drops it; names are asked of that host, and not of
    Docker's own server, which would ask the machine's. The node itself finds the control plane by its hosts file.
    """
    sinks = network.sinks
    lines = [f"ip route replace {EVERYTHING[family]} via {sink}" for family, sink in sinks.items()]
    # Docker's network has IPv4 whatever the cluster has.
    lines += [f"ip route del {EVERYTHING[family]} || true" for family in FAMILIES if family not in sinks]
    lines += [f"echo {address} {control_plane.name} >> /etc/hosts" for address in control_plane.addresses.values()]
    lines += [f"echo nameserver {sinks[network.addresses.family]} > /etc/resolv.conf"]
    return "".join(f"{line}\n" for line in lines)


def refuse_freely(families: Iterable[Family]) -> str:
    """Shell: a node refuses as often as it is asked to."""
    return "".join(f"echo {icmp.UNLIMITED} > /proc/sys/{icmp.RATIONS[family]}\n" for family in families)


def set_up(node: Node, others: Sequence[Node], pods: Mapping[Family, str]) -> str:
    """Shell: a node's pod network. The file that tells containerd of it comes last."""
    routes = "".join(
        f"ip route replace {subnet} via {other.addresses[family]}\n"
        for other in others
        for family, subnet in other.pod_subnets.items()
        if other.name != node.name
    )
    rules = masquerade.rules(pods, "roadtest-masquerade", NODE_INTERFACE)
    # Nobody has another's address: looking for one would keep pods waiting.
    settle = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad\n" if "IPv6" in pods else ""
    plugins = network_list("roadtest", IPAM_STATE, node.pod_subnets)
    return (
        f"{settle}{routes}nft -f - <<'END'\n{rules}END\nmkdir -p /etc/cni/net.d\ncat > {FILE} <<'END'\n{plugins}\nEND\n"
    )


def apply(engine: Engine, node: Node, script: str) -> None:
    """Run a shell script on a node."""
    engine.run("exec", "-i", node.name, "sh", "-e", given=script)
