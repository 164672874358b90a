"""status.loadBalancer: the address that serves an Ingress."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.controllers import Controller, first_address
from fixtures.convergence import await_value
from fixtures.probes import http
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by


@pytest.fixture
def published(routes: Arrange) -> Routes:
    """An Ingress that is served."""
    return routes("status_address.yaml", ready={"published.example": "echo"})


@feature("ing.status.address")
def test_the_address_of_the_status_serves_the_ingress(published: Routes, controller: Controller) -> None:
    """“When it has done so, you can see the address of the load balancer at the Address field.” And: “Where
    203.0.113.123 is the IP allocated by the Ingress controller to satisfy this Ingress.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#simple-fanout
    """
    published.settle()
    namespace, port = published.namespace, controller.ingress().http_port

    def address() -> str:
        return first_address(namespace.api.get("networking.k8s.io/v1", "Ingress", "published", namespace.name) or {})

    told = await_value(address, bool, what="the status of the Ingress to have an address")
    host = published.host("published.example")
    (seen,) = http(published.client, f"http://{host}{'' if port == 80 else f':{port}'}/", address=told)
    served_by(seen, namespace, "echo")
