"""Where a path leads: to a port of a Service, by name or number, and to one Service of many."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by


@pytest.fixture
def backends(routes: Arrange) -> Routes:
    """A Service with two ports, and a host that fans out to three Services; a server behind every port."""
    return routes(
        "backends.yaml",
        ready={"first-by-number.example": "one", "fan-out.example/a": "one", "fan-out.example/d/of-three": "three"},
    )


@feature("ing.port.named")
@pytest.mark.parametrize(
    ("host", "server"),
    [
        pytest.param("first-by-name.example", "one", id="first-by-name"),
        pytest.param("second-by-name.example", "two", id="second-by-name"),
        pytest.param("first-by-number.example", "one", id="first-by-number"),
        pytest.param("second-by-number.example", "two", id="second-by-number"),
    ],
)
def test_a_backend_names_a_port_of_its_service(backends: Routes, host: str, server: str) -> None:
    """“port: Port of the referenced service. A port name or port number is required for a IngressServiceBackend.” “name
    is the name of the port on the Service.” “number is the numerical port number (e.g. 80) on the Service.”

    https://kubernetes.io/docs/reference/kubernetes-api/networking/ingress-v1/#IngressBackend
    """
    served_by(backends.get(host), backends.namespace, server)


@feature("ing.backend.many")
@pytest.mark.parametrize(
    ("path", "server"),
    [
        ("/a", "one"),
        ("/b", "two"),
        ("/c", "three"),
        ("/d", "one"),
        ("/e", "three"),
        ("/f", "two"),
        ("/a/of-two", "two"),
        ("/b/of-three", "three"),
        ("/c/of-one", "one"),
        ("/d/of-three", "three"),
    ],
)
def test_one_ingress_fans_out_to_many_services(backends: Routes, path: str, server: str) -> None:
    """“A fanout configuration routes traffic from a single IP address to more than one Service, based on the HTTP URI
    being requested.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#simple-fanout
    """
    served_by(backends.get("fan-out.example", path), backends.namespace, server)
