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
from fixtures.observations import GrpcObservation, HttpObservation
from fixtures.probes import grpc, http, websocket
from fixtures.probes.websocket import WebSocket
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.timeouts import Timeout
from fixtures.verdicts import Mismatch, unsupported

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
    note("as the controller says", f"{documented:g} s" if documented else "without end")
    lives(lived, documented, IDLE, socket, note)


@feature("ing.websocket")
@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "watched"), [(5, 15.0), (120, IDLE)], ids=["shorter", "longer"])
def test_an_idle_websocket_lives_as_long_as_the_ingress_says(
    seconds: int, watched: float, protocols: Routes, controller: Controller, note: Callable[[str, object], None]
) -> None:
    """“A more adequate value to support websockets is a value higher than one hour (3600).” An Ingress may say another
    time-out than the default: a shorter one comes sooner, and with a longer one the default does not come.

    https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/#websockets
    """
    claim = controller.ingress().websocket_timeout
    if claim is None:
        if refusal := controller.description.refusal("ing.websocket", "timeout"):
            unsupported(refusal.reason, refusal.source)
        part = "[ingress.websocket_timeout]"
        controller.not_looked_up("how an Ingress says how long an idle websocket lives", part)
    host = f"websocket-{seconds}.example"
    made = protocols.object("protocols.yaml", "Ingress", "websocket")
    made["metadata"]["name"] = f"websocket-{seconds}"
    made["spec"]["rules"][0]["host"] = host
    told = {key: value.format(seconds=seconds) for key, value in claim.ingress_annotations.items()}
    made["metadata"].setdefault("annotations", {}).update(told)
    protocols.apply(made)
    url = protocols.url(host, "/ws").replace("http://", "ws://")

    def upgraded() -> HttpObservation:
        with websocket(protocols.client, url, address=protocols.address) as tried:
            return tried.opened

    converge(
        lambda: [upgraded()],
        lambda seen: seen[0].status == 101,
        what="a websocket to be opened",
        timeout=Timeout.ROUTES,
    )
    with websocket(protocols.client, url, address=protocols.address) as socket:
        lived = opened(socket).idle(watched)
    lives(lived, seconds, watched, socket, note)


def lives(
    lived: float | None, told: float, watched: float, socket: WebSocket, note: Callable[[str, object], None]
) -> None:
    """An idle websocket lived as long as was told (0: without end), as far as it was watched."""
    note("an idle websocket lives", f"{lived:.1f} s" if lived is not None else f"on after {watched:g} s")
    if told and told <= watched - LATE:
        within = lived is not None and told - EARLY <= lived <= told + LATE
        wanted = f"to end after {told:g} s (at the earliest {EARLY:g} s before, at the latest {LATE:g} s after)"
    else:
        within, wanted = lived is None, f"to live for {watched:g} s at least"
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
        controller.not_looked_up("whether it speaks gRPC with the backends of Ingresses", "[ingress.grpc]")
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
