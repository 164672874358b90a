"""How long a backend may stay silent."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.expectations import equal, holds
from fixtures.probes.websocket import websocket
from fixtures.recipes import Asked, behaviour

READ = 2.0
LONGER = 6.0
"""What the backend takes: as long as three tries one after the other."""


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
