"""Source ports, so that no connection tracking of an earlier question speaks for a later one."""

from __future__ import annotations

import secrets
import socket
import time

from clusters.families import socket_family

FIRST, LAST = 20_000, 65_000
REUSED_SECONDS = 120.0
"""Longer than the kernel remembers a question over UDP: 30 s, and 120 s where it takes it for a stream.
https://www.kernel.org/doc/html/latest/networking/nf_conntrack-sysctl.html"""
RULE = f"each of {LAST - FIRST + 1} in turn, none again within {REUSED_SECONDS:g} s at whatever address"


class Ports:
    """Gives ports in turn, from one counter for all changes and addresses; begins anywhere, for runs that follow."""

    def __init__(self, first: int = FIRST, last: int = LAST) -> None:
        self._first, self._count = first, last - first + 1
        self._next = secrets.randbelow(self._count)
        self._used: dict[int, float] = {}

    def socket(self, address: str) -> socket.socket:
        """A UDP socket at the next port; a port that was in use too lately is waited for."""
        made = socket.socket(socket_family(address), socket.SOCK_DGRAM)
        made.setblocking(False)
        for _ in range(self._count):
            port = self._take()
            try:
                made.bind(("", port))
            except OSError:  # somebody else's
                continue
            return made
        made.close()
        raise OSError(f"No UDP port from {self._first} to {self._first + self._count - 1} is free.")

    def _take(self) -> int:
        port = self._first + self._next
        self._next = (self._next + 1) % self._count
        now = time.monotonic()
        if port in self._used and (early := self._used[port] + REUSED_SECONDS - now) > 0:
            time.sleep(early)
        self._used[port] = time.monotonic()
        return port
