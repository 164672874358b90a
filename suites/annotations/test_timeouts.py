"""How long a backend may stay silent."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.expectations import equal, holds
from fixtures.probes.websocket import websocket
from fixtures.recipes import Asked, behaviour

CONNECT, READ, SEND = 1.0, 2.0, 2.0
LONGER = 6.0
"""What the backend takes: as long as three tries one after the other."""
UPLOAD = 32 * 2**20
"""Bytes: more than proxies and all sockets on the way hold for a backend that does not read."""


@behaviour("connect-timeout", feature="ann.connect-read-send-timeouts", backends="deaf.yaml")
def test_a_backend_that_takes_no_connection_is_given_up(asked: Asked, note: Callable[[str, object], None]) -> None:
    """“[…] we provide annotations that allows this customization: nginx.ingress.kubernetes.io/proxy-connect-timeout”.
    Whether it is tried again is the controller's choice.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-timeouts
    """
    asked.echo(asked.get("connect-timeout.example"))
    seen = asked.get("connect-timeout.example", "/full", timeout=4 * LONGER)
    note("given up after", f"{seen.seconds:.2f} s, with HTTP {seen.status}")
    holds(seen.status in {502, 503, 504}, "an error of the gateway (502, 503, 504)", f"HTTP {seen.status}", [seen])
    holds(
        CONNECT * 0.95 <= seen.seconds < 3 * CONNECT + 1.5,
        f"it to come after {CONNECT:g} s, or three tries of that",
        f"{seen.seconds:.2f} s",
        [seen],
    )


@behaviour("send-timeout", feature="ann.connect-read-send-timeouts", backends="deaf.yaml")
def test_a_backend_that_reads_nothing_is_given_up(asked: Asked, note: Callable[[str, object], None]) -> None:
    """“[…] we provide annotations that allows this customization: […] proxy-send-timeout”: “Sets a timeout for
    transmitting a request to the proxied server. The timeout is set only between two successive write operations”.
    The status is 504, or 408 where the client could not send all of it either.

    https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_send_timeout
    """
    asked.echo(asked.get("send-timeout.example"))
    seen = asked.get("send-timeout.example", "/deaf", method="POST", body="x" * UPLOAD, timeout=4 * LONGER)
    silent = seen.seconds - seen.sent_after
    note("given up after", f"{silent:.2f} s in which the client could send nothing more, with HTTP {seen.status}")
    holds(seen.status in {408, 504}, "the request to be given up (408, 504)", f"HTTP {seen.status}", [seen])
    holds(
        seen.seconds >= SEND * 0.95 and silent < LONGER,  # its own sending may have stopped before the client's
        f"that to come after {SEND:g} s in which it could send nothing more",
        f"{seen.seconds:.2f} s after the beginning, {silent:.2f} s after the last that the client could send",
        [seen],
    )


@behaviour("read-timeout", feature="ann.connect-read-send-timeouts")
def test_a_silent_backend_is_given_up(asked: Asked, note: Callable[[str, object], None]) -> None:
    """“Using the configuration configmap it is possible to set the default global timeout for connections to the
    upstream servers. […] we provide annotations that allows this customization: […] proxy-read-timeout”.
    What a websocket that nobody uses comes to meanwhile is recorded.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-timeouts
    """
    quick = asked.get("read-timeout.example", "/?delay=500ms")
    asked.echo(quick)
    slow = asked.get("read-timeout.example", f"/?delay={LONGER:g}s", timeout=2 * LONGER)
    note("given up after", f"{slow.seconds:.2f} s")
    equal(f"the answer in the place of one that takes {LONGER:g} s", 504, slow.status, [slow])
    holds(
        READ * 0.95 <= slow.seconds < LONGER,
        f"it to come after {READ:g} s, and not as late as the answer itself",
        f"{slow.seconds:.2f} s",
        [slow],
    )
    url = asked.url("read-timeout.example", "/ws").replace("http", "ws", 1)
    with websocket(asked.routes.client, url, address=asked.entry) as opened:
        if opened.opened.status != 101:
            note("a websocket", f"not opened: HTTP {opened.opened.status}")
            return
        lived = opened.idle(LONGER)
        note("a websocket that nobody uses", f"closed after {lived:.2f} s" if lived else f"open after {LONGER:g} s")
