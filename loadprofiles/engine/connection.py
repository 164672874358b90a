"""One TCP connection to the target, as the loops keep it.

Sockets are CPython's own C type, non-blocking from birth: gevent's cooperative sockets would cost a greenlet switch
and a hub round per call. SO_LINGER with 0 seconds makes closing send a RST, so neither side keeps a TIME_WAIT state
and a source port is free at once; without it connection-per-request at 1,000/s uses up Linux's 28,232 ephemeral ports
in half a minute (https://docs.kernel.org/networking/ip-sysctl.html, ip_local_port_range).
"""

from __future__ import annotations

import struct
from _socket import SO_LINGER, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET
from _socket import socket as _Socket  # noqa: N812  (a C type in lower case)
from collections.abc import Callable

from loadprofiles.engine.response import Reply

CONNECTING = 0
IDLE = 1
BUSY = 2
CLOSED = 3

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_TYPE = SOCK_STREAM | SOCK_NONBLOCK


class Connection:
    """A socket and the request that is under way on it."""

    __slots__ = ("close", "fd", "intended", "recv", "reply", "send", "socket", "state")

    def __init__(self, family: int) -> None:
        sock = _Socket(family, _TYPE)
        sock.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_ON_CLOSE)
        self.socket = sock
        self.fd: int = sock.fileno()
        self.recv: Callable[[int], bytes] = sock.recv
        self.send: Callable[[bytes], int] = sock.send
        self.close: Callable[[], None] = sock.close
        self.state = CONNECTING
        self.intended = 0.0
        """When the request was due (arrival rate) or began (saturation)."""
        self.reply: Reply | None = None
        """Set only while a response arrives in several pieces."""
