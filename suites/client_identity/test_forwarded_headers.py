"""X-Forwarded-*: what a backend is told of the client, and that the client cannot say it in the controller's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fixtures.client_identity import FORGED, fronts, header, last
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import equal, holds
from fixtures.routes import Routes
from fixtures.served import served_by
from fixtures.timeouts import Timeout
from fixtures.verdicts import unsupported

TOLD: Mapping[str, Callable[[Routes, bool], str]] = {
    "X-Forwarded-Proto": lambda _front, tls: "https" if tls else "http",
    "X-Forwarded-Host": lambda front, tls: front.host("secure.example" if tls else "client.example"),
    "X-Forwarded-Port": lambda front, tls: str(front.port(tls=tls)),
}
"""Header → what it must say, of a request to a front, with TLS or without."""


@fronts("client-ip")
@pytest.mark.parametrize("name", TOLD)
def test_the_backend_is_told_how_the_client_asked(front: Routes, controller: Controller, name: str) -> None:
    """“Load balancers in the first category must use an agreed upon protocol between the loadbalancer and backend to
    communicate the true client IP such as the HTTP Forwarded or X-FORWARDED-FOR headers, or the proxy protocol.” The
    agreement on the headers beside these is each controller's own documentation.

    https://kubernetes.io/docs/tutorials/services/source-ip/#cross-platform-support
    """
    claim = controller.client_identity()
    if name not in claim.headers:
        unsupported(f"{controller.description.title} does not say that it tells backends {name}.", claim.source)
    converge(
        lambda: [front.get("secure.example", tls=True)],
        lambda seen: front.backend(seen[0]) == "echo",
        what="the backend to answer by HTTPS",
        timeout=Timeout.ROUTES,
    )
    for host, tls in (("client.example", False), ("secure.example", True)):
        seen = front.get(host, tls=tls)
        served_by(seen, front.namespace, "echo")
        equal(
            f"{name} of a request by {'HTTPS' if tls else 'HTTP'}", TOLD[name](front, tls), header(seen, name), [seen]
        )


@fronts("client-ip")
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_header_is_not_taken_for_the_controllers_own(
    front: Routes, controller: Controller, name: str, note: Callable[[str, object], None]
) -> None:
    """“The 'Forwarded' HTTP header field cannot be relied upon to be correct, as it may be modified, whether mistakenly
    or for malicious reasons, by every node on the way to the server, including the client making the request.” So what
    the client wrote is not what the controller says by default: its header is overwritten or dropped, or in a list the
    last entry is the controller's.

    https://www.rfc-editor.org/rfc/rfc7239#section-8.1
    """
    claim = controller.client_identity()
    if name in claim.passes_on:
        reason = f"{controller.description.title} does not write {name}, and passes it on as the client wrote it."
        unsupported(reason, claim.passes_on_source or claim.source)
    plain = front.get("client.example")
    served_by(plain, front.namespace, "echo")
    seen = front.get("client.example", headers={name: FORGED[name], "Forwarded": FORGED["Forwarded"]})
    served_by(seen, front.namespace, "echo")
    note(f"{name}: {FORGED[name]} reaches the backend as", header(seen, name) or "no header")
    holds(
        last(seen, name) == last(plain, name),
        f"{name} to end as it does when the client does not send it: {header(plain, name) or 'there is none'}",
        f"{header(seen, name) or 'there is none'}",
        [plain, seen],
    )
