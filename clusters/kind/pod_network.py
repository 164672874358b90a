"""The pod network of a kind cluster whose node image has none: the same as on an embedded cluster.

CNI's ptp and portmap, a static route to each other node's pods, and pods that leave the pod network masqueraded. For a
cluster with kind's own pod network only the way out is closed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from .configuration import Node
from .engine import Engine
from .node_network import NodeNetwork

FILE = "/etc/cni/net.d/10-roadtest.conflist"
MTU = 1500
NODE_INTERFACE = "eth0"


def seal(network: NodeNetwork, control_plane: Node) -> str:
    """Shell: close a node's ways out of the cluster.

    What belongs to no network of the cluster goes to a host that drops it; names are asked of that host, and not of
    Docker's own server, which would ask the machine's. The node itself finds the control plane by its hosts file.
    """
    return (
        f"ip route replace default via {network.sink}\n"
        f"echo {control_plane.address} {control_plane.name} >> /etc/hosts\n"
        f"echo nameserver {network.sink} > /etc/resolv.conf\n"
    )


def set_up(node: Node, others: Sequence[Node], pods: str) -> str:
    """Shell: a node's pod network. The file that tells containerd of it comes last."""
    routes = "".join(
        f"ip route replace {other.pod_subnet} via {other.address}\n" for other in others if other.name != node.name
    )
    rules = f"""\
table ip roadtest-masquerade {{
  chain postrouting {{
    type nat hook postrouting priority 110; policy accept;
    ip saddr {pods} ip daddr != {pods} oifname "{NODE_INTERFACE}" counter masquerade
  }}
}}"""
    return (
        f"{routes}nft -f - <<'END'\n{rules}\nEND\nmkdir -p /etc/cni/net.d\ncat > {FILE} <<'END'\n{plugins(node)}\nEND\n"
    )


def plugins(node: Node) -> str:
    """CNI's configuration (https://www.cni.dev/plugins/current/main/ptp/)."""
    document = {
        "cniVersion": "1.0.0",
        "name": "roadtest",
        "plugins": [
            {
                "type": "ptp",
                "mtu": MTU,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam-state",
                    "ranges": [[{"subnet": node.pod_subnet}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    return json.dumps(document, indent=2)


def apply(engine: Engine, node: Node, script: str) -> None:
    """Run a shell script on a node."""
    engine.run("exec", "-i", node.name, "sh", "-e", given=script)
