"""TCPRoute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.echo import backend_of
from fixtures.gateway_features import supports
from fixtures.probes import http
from fixtures.routes import Routes, with_port
from fixtures.routes_plugin import Arrange
from fixtures.served import share_served
from fixtures.statistics import sample_size
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

pytestmark = supports("TCPRoute")
FOUND = 0.2
"""A share that is off by twenty points is found with a probability of 99.9 %: each connection takes one."""


@pytest.fixture
def stream(routes_in: Arrange, namespace: Namespace, controller: Controller) -> Routes:
    """A TCP listener whose connections go to two backends, three quarters to the first."""
    made = routes_in(namespace, gateway="edge", ready={})
    made.arrange("tcp.yaml", change=lambda found: with_port(found, controller.gateway().tcp_port))
    return made


@feature("gw.tcp")
def test_connections_reach_the_backends_by_weight(
    stream: Routes, controller: Controller, client_1: Vantage, shares_hold: Callable[..., None]
) -> None:
    """“TCPRoute provides a way to route TCP requests. When combined with a Gateway listener, it can be used to forward
    connections on the port specified by the listener to a set of backends specified by the TCPRoute.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/tcproute_types.go#L30
    """
    url = f"http://{at(stream.address)}:{controller.gateway().tcp_port}/"
    converge(
        lambda: http(client_1, url),
        lambda seen: backend_of(seen[0], stream.namespace.name) != "",
        what="a backend to answer through the TCP listener",
        timeout=Timeout.ROUTES,
        successes=4,
        every=0.2,
    )
    seen = http(client_1, url, count=sample_size(0.75, FOUND))
    test = share_served(seen, stream.namespace, "one", 0.75, others=["two"])
    shares_hold(test, "three quarters of the connections to reach the backend with weight 3 of 4")
