"""How a request can end, as words of the stream's ``errors``.

Refused, unreachable, reset, timeout, bad-status, short-body and bad-response are what the system under test did.
`OURS` are the generator's own failures: one of them makes a cell void, because the figures no longer speak of the
system under test.
"""

from __future__ import annotations

import errno

REFUSED = "refused"
"""ECONNREFUSED: a RST or an ICMP port unreachable."""
UNREACHABLE = "unreachable"
"""EHOSTUNREACH or ENETUNREACH: no route, or an ICMP that says so."""
RESET = "reset"
"""The connection was made and then broken before the first byte of an answer."""
TIMEOUT = "timeout"
"""No whole answer within the profile's ``timeout_seconds``."""
BAD_STATUS = "bad-status"
"""A whole answer with another status than the profile expects."""
SHORT_BODY = "short-body"
"""The connection ended inside an answer."""
BAD_RESPONSE = "bad-response"
"""Bytes that are no HTTP/1.1 response, or more of them than the response announced."""
NO_CONNECTION = "no-connection"
"""All of ``max_connections`` were busy until the request's time-out: more than that many requests hung at once."""
PORTS_EXHAUSTED = "ports-exhausted"
"""EADDRNOTAVAIL: the source ports of this network namespace ran out (ours)."""
TOO_MANY_FILES = "too-many-files"
"""EMFILE, ENFILE, ENOBUFS or ENOMEM: a limit of the generating machine (ours)."""
GENERATOR = "generator"
"""Anything else that went wrong on our side, for example a request that did not fit the socket's buffer (ours)."""

OURS = frozenset({PORTS_EXHAUSTED, TOO_MANY_FILES, GENERATOR})

_BY_ERRNO = {
    errno.ECONNREFUSED: REFUSED,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.ENETDOWN: UNREACHABLE,
    errno.EHOSTDOWN: UNREACHABLE,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ECONNABORTED: RESET,
    errno.ETIMEDOUT: TIMEOUT,
    errno.EADDRNOTAVAIL: PORTS_EXHAUSTED,
    errno.EMFILE: TOO_MANY_FILES,
    errno.ENFILE: TOO_MANY_FILES,
    errno.ENOBUFS: TOO_MANY_FILES,
    errno.ENOMEM: TOO_MANY_FILES,
}


def kind_of(code: int) -> str:
    """The kind of error that an errno stands for."""
    return _BY_ERRNO.get(code, GENERATOR)
