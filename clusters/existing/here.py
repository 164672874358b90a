"""This machine as the outside client: by which of its addresses it is seen, and whether its packets get there at all.

A kubeconfig may reach an API server through a tunnel or a port of the loopback, from a machine that has no route to the
nodes: what is sent to them then goes to the default gateway, and may be answered by somebody else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from clusters.families import family_of, socket_family

KUBELET_PORT = 10250
CONNECT_SECONDS = 2.0
ROUTES = Path("/proc/net/route")
ROUTES6 = Path("/proc/net/ipv6_route")
UP, THROUGH_GATEWAY = 0x1, 0x2


def loopback(server: str) -> bool:
    """Whether an API server's URL leads into this machine itself."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def neighbour(address: str, routes: str | None = None) -> bool:
    """Whether an address is of a network that this machine is part of: its packets pass no gateway."""
    if family_of(address) == "IPv6":
        return _neighbour6(address, routes)
    try:
        table = ROUTES.read_text(encoding="ascii") if routes is None else routes
    except OSError:
        return False
    wanted = int(ipaddress.IPv4Address(address))
    for line in table.splitlines()[1:]:
        _, target, _, flags, _, _, _, mask, *_ = line.split()
        # The kernel writes addresses in the machine's byte order, lowest byte first.
        network, bits = (int.from_bytes(bytes.fromhex(word)[::-1], "big") for word in (target, mask))
        if int(flags, 16) & UP and not int(flags, 16) & THROUGH_GATEWAY and bits and wanted & bits == network:
            return True
    return False


def _neighbour6(address: str, routes: str | None) -> bool:
    try:
        table = ROUTES6.read_text(encoding="ascii") if routes is None else routes
    except OSError:
        return False
    wanted = int(ipaddress.IPv6Address(address))
    for line in table.splitlines():
        target, bits, _, _, _, _, _, _, flags, interface = line.split()
        prefix, up = int(bits, 16), int(flags, 16) & UP and not int(flags, 16) & THROUGH_GATEWAY
        if up and prefix and interface != "lo" and wanted >> (128 - prefix) == int(target, 16) >> (128 - prefix):
            return True
    return False


def own_address(towards: str) -> str:
    """The address that packets from here to another carry; nothing is sent to find out."""
    try:
        with socket.socket(socket_family(towards), socket.SOCK_DGRAM) as probe:
            probe.connect((towards, KUBELET_PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def reaches(addresses: Sequence[str]) -> str:
    """Why this machine does not reach the nodes; empty where each kubelet's port answers or refuses."""
    for address in addresses:
        try:
            socket.create_connection((address, KUBELET_PORT), CONNECT_SECONDS).close()
        except ConnectionRefusedError:
            continue
        except OSError as error:
            why = "nothing came back" if isinstance(error, TimeoutError) else str(error.strerror or error).lower()
            return f"{address}, port {KUBELET_PORT}: {why}"
    return ""
