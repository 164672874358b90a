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

NETWORKS = [ipaddress.ip_network(text) for text in ("172.30.0.0/16", "10.96.0.0/16", "10.244.0.0/16")]
"""The provider's own: nodes, Services, pods."""
ETH_P_ALL, ETH_P_IP, PACKET_OUTGOING, SO_ATTACH_FILTER = 0x0003, 0x0800, 4, 26
LOAD_DESTINATION, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
DESTINATION = 16
"""Offset in the IPv4 header (RFC 791)."""


def program():
    """A classic BPF program that keeps IPv4 packets for the ranges: bpf(4) of BSD, packet(7) of Linux."""
    steps = []
    for left, network in zip(range(len(NETWORKS) - 1, -1, -1), NETWORKS, strict=True):
        steps.append((LOAD_DESTINATION, 0, 0, DESTINATION))
        steps.append((AND, 0, 0, int(network.netmask)))
        steps.append((JUMP_IF_EQUAL, left * 3 + 1, 0, int(network.network_address)))
    steps += [(RETURN, 0, 0, 0), (RETURN, 0, 0, 0xFFFF)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps), len(steps)


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
            target = ipaddress.ip_address(packet[16:20]) if protocol == ETH_P_IP else None
            ours = any(target in network for network in NETWORKS)  # the filter came a moment after the socket
            if ours and kind == PACKET_OUTGOING and interface != "lo":
                left.append((interface, ipaddress.ip_address(packet[12:16]), target))

    threading.Thread(target=watch, daemon=True).start()
    status = subprocess.call(command)
    if left:
        first = "{}: {} → {}".format(*left[0])
        print(f"error: {len(left)} packets for a cluster's addresses left this machine, first {first}", file=sys.stderr)
        return 3
    print(f"no packet for {', '.join(map(str, NETWORKS))} left this machine")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
