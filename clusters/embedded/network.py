"""The node network of a cluster: one bridge, a veth pair per place, static routes, and nothing that leads outside.

Every function here is to be called inside the compartment it is about.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from clusters import icmp
from clusters.families import EVERYTHING, SOCKET_FAMILY, Family

from . import masquerade, names
from .addresses import Addresses

BRIDGE = "br0"
INTERFACE = "eth0"
OWN_PACKETS_TABLE = 100
MASQUERADE_TABLE = "roadtest"
FORWARDING: Mapping[Family, str] = {"IPv4": "net/ipv4/ip_forward", "IPv6": "net/ipv6/conf/all/forwarding"}


@contextmanager
def netlink() -> Iterator[IPRoute]:
    """A netlink connection of the namespace one is in; what the kernel refuses is an `OSError`."""
    try:
        with IPRoute() as ip:
            yield ip
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code), "node network") from error


def settle_addresses() -> None:
    """Every address of this namespace, also of an interface to come, is there at once and comes from nobody else.

    Nobody on these networks has another's address: looking for one (RFC 4862) would take seconds.
    """
    for interface in ("all", "default"):
        for name in ("accept_dad", "accept_ra", "autoconf"):
            write_sysctl(f"net/ipv6/conf/{interface}/{name}", "0")


def forward(addresses: Addresses) -> None:
    """Be a router, in the cluster's families."""
    for one in addresses.every:
        write_sysctl(FORWARDING[one.family], "1")


def make_bridge(addresses: Addresses) -> None:
    """The bridge, in the control plane's namespace."""
    settle_addresses()
    with netlink() as ip:
        _up(ip, "lo")
        ip.link("add", ifname=BRIDGE, kind="bridge")
        bridge = ip.link_lookup(ifname=BRIDGE)[0]
        for one in addresses.every:
            ip.addr("add", index=bridge, address=one.control_plane, prefixlen=one.prefix)
        ip.link("set", index=bridge, state="up")
    forward(addresses)
    # Frames between nodes are the bridge's, not a router's: no rule of anybody may see them twice.
    for rules in ("iptables", "ip6tables"):
        write_sysctl(f"net/bridge/bridge-nf-call-{rules}", "0")


def raise_loopback() -> None:
    """Nothing but the loopback: for a place that makes its own network."""
    with netlink() as ip:
        _up(ip, "lo")


def connect(place: str, addresses: Addresses, control_netns: str) -> None:
    """A veth pair from a place's namespace to the bridge's; the far end is named after the place."""
    settle_addresses()
    # What a namespace inherits here depends on the machine. Replies may come another way than requests went.
    for interface in ("all", "default"):
        write_sysctl(f"net/ipv4/conf/{interface}/rp_filter", "0")
    descriptor = os.open(names.netns_path(control_netns), os.O_RDONLY | os.O_CLOEXEC)
    try:
        with netlink() as ip:
            _up(ip, "lo")
            ip.link("add", ifname=INTERFACE, kind="veth", peer={"ifname": place, "net_ns_fd": descriptor})
            index = ip.link_lookup(ifname=INTERFACE)[0]
            for family, address in addresses.hosts()[place].items():
                prefix = next(one.prefix for one in addresses.every if one.family == family)
                ip.addr("add", index=index, address=address, prefixlen=prefix)
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
    """A node's routes: to the pods of the others, a default to the bridge, which leads nowhere. It refuses freely."""
    with netlink() as ip:
        for one in addresses.every:
            ip.route("add", dst=EVERYTHING[one.family], gateway=one.control_plane)
            for other, pods in one.pods.items():
                if other != node:
                    ip.route("add", dst=pods, gateway=one.nodes[other])
    forward(addresses)
    for one in addresses.every:
        write_sysctl(icmp.RATIONS[one.family], icmp.UNLIMITED)


def route_control_plane(addresses: Addresses) -> None:
    """Routes of the control plane: to pods, and to Services for its own packets only (webhooks).

    A packet for a Service that no rule of a node took ends here, dropped, as at a cloud's gateway; handing it back to a
    node would send it round in circles.
    """
    with netlink() as ip:
        for one in addresses.every:
            for node, pods in one.pods.items():
                ip.route("add", dst=pods, gateway=one.nodes[node])
            ip.route("add", dst=one.service_subnet, type="blackhole")
            first = next(iter(one.nodes.values()))
            ip.route("add", dst=one.service_subnet, gateway=first, table=OWN_PACKETS_TABLE)
            ip.rule("add", table=OWN_PACKETS_TABLE, iifname="lo", priority=100, family=SOCKET_FAMILY[one.family])


def masquerade_pods(addresses: Addresses, *, nft: bool) -> None:
    """Let pod packets that leave the pod network carry the node's address; without ``nft`` by iptables."""
    pods = {one.family: one.pod_subnet for one in addresses.every}
    if not nft:
        for command in masquerade.iptables_commands(pods, INTERFACE):
            subprocess.run(command, check=True, capture_output=True)
        return
    rules = masquerade.rules(pods, MASQUERADE_TABLE, INTERFACE)
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
