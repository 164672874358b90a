"""spec.defaultBackend: where requests go that no rule matches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by
from fixtures.timeouts import Timeout
from fixtures.workloads import Namespace

UNKNOWN = ("unknown.example", "/any/path")
"""No rule on the cluster names this host."""


@pytest.fixture
def ruled(catch_all: None, routes_in: Arrange, namespace: Namespace) -> Routes:
    """One rule, for one host and path, and the backend `fallback` that no rule leads to."""
    made = routes_in(namespace, ready={"ruled.example/ruled": "ruled"})
    made.arrange("default_backend.yaml")
    return made


@pytest.fixture
def with_default(ruled: Routes) -> Iterator[Routes]:
    """The same, and an Ingress that is nothing but a default backend."""
    ruled.arrange("default_backend_catch_all.yaml")
    yield ruled
    ruled.withdraw("networking.k8s.io/v1", "Ingress", "catch-all", UNKNOWN[0])


@pytest.mark.disturbs  # it takes what other checks expect to be answered with 404
@feature("ing.default-backend")
def test_a_default_backend_takes_what_no_rule_matches(with_default: Routes) -> None:
    """“If none of the hosts or paths match the HTTP request in the Ingress objects, the traffic is routed to your
    default backend.” And: “An Ingress with no rules sends all traffic to a single default backend.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-backend
    """
    converge(
        lambda: [with_default.get(*UNKNOWN)],
        lambda seen: with_default.backend(seen[0]) != "",
        what="a request that no rule matches to reach the namespace",
        timeout=Timeout.ROUTES,
    )
    served_by(with_default.get(*UNKNOWN), with_default.namespace, "fallback")
    served_by(with_default.get("ruled.example", "/not-ruled"), with_default.namespace, "fallback")
    served_by(with_default.get("ruled.example", "/ruled"), with_default.namespace, "ruled")


@feature("ing.default-backend")
def test_without_a_default_backend_what_no_rule_matches_is_not_found(ruled: Routes, controller: Controller) -> None:
    """“If defaultBackend is not set, the handling of requests that do not match any of the rules will be up to the
    ingress controller (consult the documentation for your ingress controller to find out how it handles this case).”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-backend
    """
    status = controller.ingress().unmatched_status
    not_served(ruled.get(*UNKNOWN), ruled.namespace, status=status)
    not_served(ruled.get("ruled.example", "/not-ruled"), ruled.namespace, status=status)
