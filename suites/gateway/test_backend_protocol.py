"""Backends that are spoken to by HTTP/2 without TLS, and websockets."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.echo import echo_of
from fixtures.expectations import equal
from fixtures.gateway_features import supports
from fixtures.probes import websocket
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.vantages import Vantage


@pytest.fixture
def protocols(crossing: Arrange) -> Routes:
    """A Service of a port that takes HTTP/2 only, and one of websockets, each with its appProtocol."""
    return crossing("backend_protocol.yaml", ready={"ready.example": "one"})


@feature("gw.backend.protocol")
@supports("HTTPRouteBackendProtocolH2C")
def test_an_h2c_backend_is_spoken_to_by_http_2(protocols: Routes) -> None:
    """“When the BackendRef points to a Kubernetes Service, implementations SHOULD honor the appProtocol field if it is
    set for the target Service Port.” `kubernetes.io/h2c` is “HTTP/2 Prior Knowledge over cleartext”.

    https://gateway-api.sigs.k8s.io/geps/gep-1911/
    https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol
    """
    seen = protocols.get("h2c.example")
    served_by(seen, protocols.namespace, "one")
    echo = echo_of(seen)
    equal("the protocol at the backend", "HTTP/2.0", echo.proto if echo else "", [seen])


@feature("gw.backend.protocol")
@supports("HTTPRouteBackendProtocolWebSocket")
def test_a_websocket_reaches_its_backend(protocols: Routes, client_1: Vantage) -> None:
    """`kubernetes.io/ws`: “WebSocket over cleartext”.

    https://gateway-api.sigs.k8s.io/geps/gep-1911/
    https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol
    """
    url = protocols.url("ws.example", "/ws").replace("http://", "ws://")
    with websocket(client_1, url, address=protocols.address) as socket:
        equal("the status of the upgrade", 101, socket.opened.status, [socket.opened])
        seen = socket.exchange("from the client")
    equal("what the backend echoes", "from the client", seen.reply, [seen])
