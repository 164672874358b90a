"""The PROXY protocol: what is before the controller tells it the client's address in a header of the connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clusters.needs import Need
from fixtures.client_identity import fronts, last, reading_proxy_headers
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import equal
from fixtures.observations import HttpObservation
from fixtures.probes.proxied import PROXY_HEADERS, http_proxied
from fixtures.routes import Routes
from fixtures.served import served_by
from fixtures.timeouts import Timeout

BEFORE = "192.0.2.7"
"""The client's address as the PROXY header tells it: nobody here has it, and nothing is sent to it."""


@fronts("proxy-protocol")
@pytest.mark.disturbs
@pytest.mark.needs(Need.CONTROLLER)
def test_the_address_of_a_proxy_header_is_the_clients(
    front: Routes, controller: Controller, request: pytest.FixtureRequest, note: Callable[[str, object], None]
) -> None:
    """“The PROXY protocol provides a convenient way to safely transport connection information such as a client's
    address across multiple layers of NAT or TCP proxies.” A controller that is told to read it tells the backend the
    address of the header, of version 1 (a line of text) and of version 2 (binary).

    https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
    """
    claim = controller.proxy_protocol()
    if (way := str(request.node.callspec.params["front"])) not in claim.fronts:
        pytest.skip(f"What its folder says of it switches it on for other listeners than those {way}.")
    front.settle()

    def ask(version: str) -> HttpObservation:
        return http_proxied(
            front.client,
            front.url("client.example"),
            address=front.address,
            version=version,
            client=BEFORE,
        )

    with reading_proxy_headers(front, controller.description.namespace, claim):
        for version in PROXY_HEADERS:
            converge(
                lambda asked=version: [ask(asked)],  # type: ignore[misc]
                lambda seen: front.backend(seen[0]) == "echo",
                what=f"a connection that begins with a PROXY header {version} to be served",
                timeout=Timeout.ROUTES,
            )
            seen = ask(version)
            served_by(seen, front.namespace, "echo")
            equal(
                f"the client's address told, with a PROXY header {version}",
                BEFORE,
                last(seen, "X-Forwarded-For"),
                [seen],
            )
        plain = front.get("client.example")
        note(
            "a connection without a PROXY header meanwhile", f"HTTP {plain.status}" if plain.answered else plain.outcome
        )
