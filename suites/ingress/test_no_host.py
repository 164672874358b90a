"""A rule without a host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by
from fixtures.workloads import Namespace

PATH = "/roadtest-no-host"


@pytest.fixture
def anyone(catch_all: None, routes_in: Arrange, namespace: Namespace) -> Iterator[Routes]:
    """A rule for one path of any host."""
    place = f"anyone.example{PATH}"
    made = routes_in(namespace, ready={place: "anyone"})
    made.arrange("no_host.yaml")
    yield made
    made.withdraw("networking.k8s.io/v1", "Ingress", "without-host", place)


@feature("ing.host.none")
def test_a_rule_without_a_host_takes_its_path_of_any_host(anyone: Routes) -> None:
    """“In this example, no host is specified, so the rule applies to all inbound HTTP traffic through the IP address
    specified.” And: “Both the host and path must match the content of an incoming request before the load balancer
    directs traffic to the referenced Service.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-rules
    """
    served_by(anyone.get("anyone.example", PATH), anyone.namespace, "anyone")
    served_by(anyone.get("someone.else.example", PATH), anyone.namespace, "anyone")
    not_served(anyone.get("anyone.example", "/elsewhere"), anyone.namespace)
