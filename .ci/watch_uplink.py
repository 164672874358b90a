#!/usr/bin/env python3
"""Run a command, and fail if meanwhile a packet for a cluster's addresses left this machine's own network namespace.

    watch_uplink.py COMMAND …

A cluster has no uplink, and nothing of ours may send to its addresses from outside: such a packet would go to the
default gateway. Needs root (a packet socket, packet(7)). The exit status is the command's, or 3 for a packet that left.
"""

import ctypes
import ipaddress
import socket
import struct
import subprocess
import sys
import threading

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, PACKET_OUTGOING, SO_ATTACH_FILTER = 0x0003, 0x0800, 0x86DD, 4, 26
NETWORKS = {
    ETH_P_IP: [ipaddress.ip_network(text) for text in ("172.30.0.0/16", "10.96.0.0/16", "10.244.0.0/16")],
    ETH_P_IPV6: [ipaddress.ip_network(text) for text in ("fd00:172::/32", "fd00:10::/32")],
}
"""The provider's own: nodes, Services, pods. None is longer than the 32 bits that the filter looks at."""
LOAD_WORD, LOAD_HALF, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x28, 0x54, 0x15, 0x06
PROTOCOL = 0xFFFFF000
"""Where Linux's filters find a packet's protocol (SKF_AD_OFF + SKF_AD_PROTOCOL, linux/filter.h)."""
DESTINATION = {ETH_P_IP: 16, ETH_P_IPV6: 24}
"""Offset in the header (RFC 791, RFC 8200)."""
ADDRESS_BYTES = {ETH_P_IP: 4, ETH_P_IPV6: 16}


def program():
    """A classic BPF program that keeps packets for the ranges: bpf(4) of BSD, packet(7) of Linux."""
    parts = []
    for protocol, networks in NETWORKS.items():
        steps = []
        for left, network in zip(range(len(networks) - 1, -1, -1), networks, strict=True):
            steps.append((LOAD_WORD, 0, 0, DESTINATION[protocol]))
            steps.append((AND, 0, 0, int.from_bytes(network.netmask.packed[:4])))
            steps.append((JUMP_IF_EQUAL, left * 3 + 1, 0, int.from_bytes(network.network_address.packed[:4])))
        steps += [(RETURN, 0, 0, 0), (RETURN, 0, 0, 0xFFFF)]
        # Of another protocol: on to the next part.
        parts += [(LOAD_HALF, 0, 0, PROTOCOL), (JUMP_IF_EQUAL, 0, len(steps), protocol), *steps]
    parts.append((RETURN, 0, 0, 0))
    return b"".join(struct.pack("=HBBI", *step) for step in parts), len(parts)


def ends(packet, protocol):
    """Source and destination of a packet."""
    first, size = DESTINATION[protocol], ADDRESS_BYTES[protocol]
    return [ipaddress.ip_address(packet[begin : begin + size]) for begin in (first - size, first)]


def listen():
    """A socket that hears what all interfaces of this namespace send to the ranges."""
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    code, length = program()
    buffer = ctypes.create_string_buffer(code)
    heard.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", length, ctypes.addressof(buffer)))
    return heard


def main(command):
    left = []
    heard = listen()

    def watch():
        while True:
            packet, (interface, protocol, kind, *_) = heard.recvfrom(65535)
            if protocol not in NETWORKS or kind != PACKET_OUTGOING or interface == "lo":
                continue
            source, target = ends(packet, protocol)
            if any(target in network for network in NETWORKS[protocol]):  # the filter came a moment after the socket
                left.append((interface, source, target))

    threading.Thread(target=watch, daemon=True).start()
    status = subprocess.call(command)
    if left:
        first = "{}: {} → {}".format(*left[0])
        print(f"error: {len(left)} packets for a cluster's addresses left this machine, first {first}", file=sys.stderr)
        return 3
    print(
        f"no packet for {', '.join(str(network) for every in NETWORKS.values() for network in every)} left this machine"
    )
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
