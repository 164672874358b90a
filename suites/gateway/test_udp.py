"""UDPRoute."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import answered_by
from fixtures.gateway_features import supports
from fixtures.probes import udp
from fixtures.routes import Routes, with_port
from fixtures.routes_plugin import Arrange
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

pytestmark = supports("UDPRoute")


@pytest.fixture
def packets(routes_in: Arrange, namespace: Namespace, controller: Controller) -> Routes:
    """A UDP listener whose packets go to a backend that tells its name."""
    made = routes_in(namespace, gateway="edge", ready={})
    made.arrange("udp.yaml", change=lambda found: with_port(found, controller.gateway().udp_port))
    return made


@feature("gw.udp")
def test_packets_reach_the_backend_and_its_answers_the_client(
    packets: Routes, controller: Controller, client_1: Vantage
) -> None:
    """“UDPRoute provides a way to route UDP traffic. When combined with a Gateway listener, it can be used to forward
    traffic on the port specified by the listener to a set of backends specified by the UDPRoute.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/udproute_types.go#L30
    """
    port = controller.gateway().udp_port
    (pod,) = packets.namespace.pods("app=echo")
    converge(
        lambda: udp(client_1, packets.address, port, "hostname", timeout=1),
        lambda seen: seen[0].answered,
        what="the backend to answer through the UDP listener",
        timeout=Timeout.ROUTES,
    )
    answered_by(udp(client_1, packets.address, port, "hostname", count=5), [pod.name])
