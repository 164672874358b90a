"""The node network of a cluster: one bridge, a veth pair per place, static routes, and nothing that leads outside.

Every function here is to be called inside the compartment it is about.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from . import names
from .addresses import Addresses

BRIDGE = "br0"
INTERFACE = "eth0"
OWN_PACKETS_TABLE = 100
MASQUERADE_TABLE = "roadtest"


@contextmanager
def netlink() -> Iterator[IPRoute]:
    """A netlink connection of the namespace one is in; what the kernel refuses is an `OSError`."""
    try:
        with IPRoute() as ip:
            yield ip
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code), "node network") from error


def make_bridge(addresses: Addresses) -> None:
    """The bridge, in the control plane's namespace."""
    with netlink() as ip:
        _up(ip, "lo")
        ip.link("add", ifname=BRIDGE, kind="bridge")
        bridge = ip.link_lookup(ifname=BRIDGE)[0]
        ip.addr("add", index=bridge, address=addresses.control_plane, prefixlen=addresses.prefix)
        ip.link("set", index=bridge, state="up")
    write_sysctl("net/ipv4/ip_forward", "1")
    # Frames between nodes are the bridge's, not a router's: no rule of anybody may see them twice.
    write_sysctl("net/bridge/bridge-nf-call-iptables", "0")


def raise_loopback() -> None:
    """Nothing but the loopback: for a place that makes its own network."""
    with netlink() as ip:
        _up(ip, "lo")


def connect(place: str, address: str, addresses: Addresses, control_netns: str) -> None:
    """A veth pair from a place's namespace to the bridge's; the far end is named after the place."""
    # What a namespace inherits here depends on the machine. Replies may come another way than requests went.
    for interface in ("all", "default"):
        write_sysctl(f"net/ipv4/conf/{interface}/rp_filter", "0")
    descriptor = os.open(names.netns_path(control_netns), os.O_RDONLY | os.O_CLOEXEC)
    try:
        with netlink() as ip:
            _up(ip, "lo")
            ip.link("add", ifname=INTERFACE, kind="veth", peer={"ifname": place, "net_ns_fd": descriptor})
            index = ip.link_lookup(ifname=INTERFACE)[0]
            ip.addr("add", index=index, address=address, prefixlen=addresses.prefix)
            ip.link("set", index=index, state="up")
    finally:
        os.close(descriptor)


def plug_in(places: list[str]) -> None:
    """Put the far ends on the bridge, in the control plane's namespace."""
    with netlink() as ip:
        bridge = ip.link_lookup(ifname=BRIDGE)[0]
        for place in places:
            index = ip.link_lookup(ifname=place)[0]
            ip.link("set", index=index, master=bridge)
            ip.link("set", index=index, state="up")


def route_node(node: str, addresses: Addresses) -> None:
    """A node's routes: to the pods of the others, and a default to the bridge, which leads nowhere."""
    with netlink() as ip:
        ip.route("add", dst="0.0.0.0/0", gateway=addresses.control_plane)
        for other, pods in addresses.pods.items():
            if other != node:
                ip.route("add", dst=pods, gateway=addresses.nodes[other])
    write_sysctl("net/ipv4/ip_forward", "1")


def route_control_plane(addresses: Addresses) -> None:
    """Routes of the control plane: to pods, and to Services for its own packets only (webhooks).

    A packet for a Service that no rule of a node took ends here, dropped, as at a cloud's gateway; handing it back to a
    node would send it round in circles.
    """
    with netlink() as ip:
        for node, pods in addresses.pods.items():
            ip.route("add", dst=pods, gateway=addresses.nodes[node])
        ip.route("add", dst=addresses.service_subnet, type="blackhole")
        first = next(iter(addresses.nodes.values()))
        ip.route("add", dst=addresses.service_subnet, gateway=first, table=OWN_PACKETS_TABLE)
        ip.rule("add", table=OWN_PACKETS_TABLE, iifname="lo", priority=100)


def masquerade(addresses: Addresses) -> None:
    """Let pod packets that leave the pod network carry the node's address, in a table of its own.

    As kind's ip-masq does: kube-proxy's own tables are not touched.
    """
    rules = f"""\
table ip {MASQUERADE_TABLE} {{
  chain postrouting {{
    type nat hook postrouting priority 110; policy accept;
    ip saddr {addresses.pod_subnet} ip daddr != {addresses.pod_subnet} oifname "{INTERFACE}" counter masquerade
  }}
}}
"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, capture_output=True)


def write_sysctl(name: str, value: str) -> bool:
    """Set a kernel setting of this namespace; false where it is not there or may not be written."""
    try:
        Path("/proc/sys", name).write_text(value, encoding="ascii")
    except OSError:
        return False
    return True


def _up(ip: IPRoute, interface: str) -> None:
    ip.link("set", index=ip.link_lookup(ifname=interface)[0], state="up")
