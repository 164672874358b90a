"""Protocols beside plain HTTP/1.1: websockets, HTTP/2 to the client, gRPC to the backend."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.certificates import secret_of, self_signed
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import equal, holds
from fixtures.observations import GrpcObservation
from fixtures.probes import grpc, http, websocket
from fixtures.probes.websocket import WebSocket
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.timeouts import Timeout
from fixtures.verdicts import Mismatch

IDLE = 75.0
"""Seconds for which nobody speaks on a websocket: some more than the shortest default, a minute."""
EARLY, LATE = 1.0, 10.0
"""By how many seconds a time-out may be missed."""


@pytest.fixture
def protocols(routes: Arrange, controller: Controller) -> Routes:
    """A server of HTTP, HTTPS and websockets, and one of gRPC, of which the controller is told in its own way."""
    announced = {"grpc": controller.ingress().grpc, "websocket": controller.ingress().websocket}

    def told(found: Object) -> Object:
        if claim := announced.get(found["metadata"]["name"]):
            by_kind = {"Service": claim.service_annotations, "Ingress": claim.ingress_annotations}
            found["metadata"].setdefault("annotations", {}).update(by_kind.get(found["kind"], {}))
        return found

    def put_secret(made: Routes) -> None:
        certificate = self_signed(made.host("secure.example"), made.host("grpc.example"))
        made.namespace.apply_object(secret_of("certificate", certificate))

    return routes("protocols.yaml", ready={"ready.example": "echo"}, before=put_secret, change=told)


def opened(socket: WebSocket) -> WebSocket:
    equal("the status of the upgrade", 101, socket.opened.status, [socket.opened])
    return socket


@feature("ing.websocket")
def test_a_websocket_is_upgraded_and_echoes(protocols: Routes) -> None:
    """“Any status code other than 101 indicates that the WebSocket handshake has not completed and that the
    semantics of HTTP still apply.” Messages then go both ways.

    https://www.rfc-editor.org/rfc/rfc6455#section-1.3
    """
    url = protocols.url("websocket.example", "/ws").replace("http://", "ws://")
    with websocket(protocols.client, url, address=protocols.address) as socket:
        seen = opened(socket).exchange("from the client")
        equal("what the backend echoes", "from the client", seen.reply, [seen])
        again = socket.exchange("once more")
    equal("what the backend echoes then", "once more", again.reply, [again])


@feature("ing.websocket")
@pytest.mark.slow
def test_an_idle_websocket_lives_as_long_as_the_controller_says(
    protocols: Routes, controller: Controller, note: Callable[[str, object], None]
) -> None:
    """A websocket on which nobody speaks lives until the time-out that the controller's documentation gives for it, and
    where that gives none, longer than a minute: “The default value of proxy-read-timeout and proxy-send-timeout is 60
    seconds.” “A more adequate value to support websockets is a value higher than one hour (3600).”

    https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/#websockets
    """
    url = protocols.url("websocket.example", "/ws").replace("http://", "ws://")
    with websocket(protocols.client, url, address=protocols.address) as socket:
        lived = opened(socket).idle(IDLE)
    documented = controller.ingress().idle_websocket_seconds
    note("an idle websocket lives", f"{lived:.1f} s" if lived is not None else f"on after {IDLE:g} s")
    note("as the controller says", f"{documented:g} s" if documented else "without end")
    if documented and documented <= IDLE - LATE:
        within = lived is not None and documented - EARLY <= lived <= documented + LATE
        wanted = f"to end after {documented:g} s (at the earliest {EARLY:g} s before, at the latest {LATE:g} s after)"
    else:
        within, wanted = lived is None, f"to live for {IDLE:g} s at least"
    holds(
        within,
        f"an idle websocket {wanted}",
        f"it lived {'on' if lived is None else f'{lived:.1f} s'}",
        [socket.opened],
    )


@feature("ing.http2")
def test_http_2_is_spoken_with_who_offers_it(protocols: Routes) -> None:
    """“HTTP/2 over TLS uses the "h2" protocol identifier”, which client and server agree on by ALPN. Who does not offer
    it is answered by HTTP/1.1.

    https://www.rfc-editor.org/rfc/rfc9113#section-3.2
    """
    url = protocols.url("secure.example", tls=True)
    converge(
        lambda: [protocols.get("secure.example", tls=True)],
        lambda seen: protocols.backend(seen[0]) == "echo",
        what="the backend to answer by HTTPS",
        timeout=Timeout.ROUTES,
    )
    for offered, version in ((True, "2"), (False, "1.1")):
        (seen,) = http(protocols.client, url, address=protocols.address, http2=offered)
        served_by(seen, protocols.namespace, "echo")
        what = f"the version of HTTP for a client that offers {'h2' if offered else 'none'} by ALPN"
        equal(what, version, seen.version, [seen])


@feature("ing.grpc")
def test_a_grpc_call_reaches_its_backend(protocols: Routes, controller: Controller) -> None:
    """“kubernetes.io/h2c - HTTP/2 over cleartext as described in RFC 7540”; gRPC needs HTTP/2 all the way, and tells
    the status of a call after the answer, in trailers. How a controller is told of such a backend it says itself.

    https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol
    https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
    """
    if controller.ingress().grpc is None:
        controller.claims_not("speak gRPC with the backends of Ingresses")
    url = protocols.url("grpc.example", tls=True).rstrip("/")

    def call(method: str) -> GrpcObservation:
        return grpc(protocols.client, url, method, address=protocols.address)

    converge(
        lambda: [call("Echo")],
        lambda seen: seen[0].service == "grpc",
        what="the gRPC backend to answer",
        timeout=Timeout.ROUTES,
    )
    for method, status in (("Echo", 0), ("EchoTwo", 0), ("EchoThree", 12)):
        seen = call(method)
        equal(f"the gRPC status of {method}", status, seen.status, [seen])
        if not status and (seen.service, seen.namespace) != ("grpc", protocols.namespace.name):
            raise Mismatch("the call to be answered by the backend grpc", f"{seen.service or 'nobody'} did", [seen])
