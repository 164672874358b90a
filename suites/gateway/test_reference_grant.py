"""A backend in another namespace, and the ReferenceGrant that lets a route name it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.needs import Need
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.echo import backend_of
from fixtures.expectations import equal
from fixtures.gateway_status import of_route
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by
from fixtures.timeouts import Timeout
from fixtures.workloads import Namespace

HOST = "beyond.example"
REFUSED = {"status": "False", "reason": "RefNotPermitted"}
RESOLVED = {"status": "True", "reason": "ResolvedRefs"}


@pytest.fixture
def backend(make_module_namespace: Callable[..., Namespace]) -> Namespace:
    """A backend in a namespace of its own."""
    made = make_module_namespace("beyond")
    made.apply("reference_grant_backend.yaml")
    made.wait_ready()
    return made


@pytest.fixture
def beyond(backend: Namespace, crossing: Arrange) -> Routes:
    """A route to it from another namespace, and grants that are not for that route."""
    made = crossing(
        "reference_grant.yaml",
        ready={"ready.example": "one"},
        change=lambda found: with_namespace(found, "of-the-backend", backend.name),
    )
    for grant in backend.read("reference_grant_others.yaml"):
        backend.apply_object(with_namespace(grant, "of-the-route", made.namespace.name))
    return made


def with_namespace(found: Object, stand_in: str, namespace: str) -> Object:
    """The object with the namespace instead of what stands for it."""
    parts = [part for rule in found["spec"].get("rules", []) for part in rule["backendRefs"]]
    for part in [*parts, *found["spec"].get("from", [])]:
        if part.get("namespace") == stand_in:
            part["namespace"] = namespace
    return found


def resolved(beyond: Routes, expected: dict[str, str]) -> None:
    """The route's ResolvedRefs comes to be as expected."""
    read = partial(of_route, beyond.namespace, "beyond", "ResolvedRefs")
    await_value(read, lambda told: told == expected, what=f"the route's ResolvedRefs to be {expected}")


@feature("gw.reference-grant")
@pytest.mark.needs(Need.LABELLED_NAMESPACES)
def test_a_backend_elsewhere_takes_a_grant_and_only_as_long_as_there_is_one(beyond: Routes, backend: Namespace) -> None:
    """“Implementations that support ReferenceGrant MUST NOT permit cross-namespace references which have no grant, and
    MUST respond to the removal of a grant by revoking the access that the grant allowed.” Without one “the Reason must
    be set to `RefNotPermitted`”, and “500 status codes MUST be returned”.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/referencegrant_types.go#L37
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1846
    """
    resolved(beyond, REFUSED)
    not_served(beyond.get(HOST), backend, status=500)

    (grant,) = backend.read("reference_grant_grant.yaml")
    backend.apply_object(with_namespace(grant, "of-the-route", beyond.namespace.name))
    converge(
        lambda: [beyond.get(HOST)],
        lambda seen: backend_of(seen[0], backend.name) == "echo",
        what="the granted backend to answer",
        timeout=Timeout.ROUTES,
    )
    resolved(beyond, RESOLVED)
    served_by(beyond.get(HOST), backend, "echo")

    backend.delete(GATEWAYS, "ReferenceGrant", "to-echo")
    converge(
        lambda: [beyond.get(HOST)],
        lambda seen: seen[0].status == 500,
        what="the backend to be out of reach once its grant is gone",
        timeout=Timeout.ROUTES,
    )
    resolved(beyond, REFUSED)
    not_served(beyond.get(HOST), backend, status=500)
    equal("the other route's backend", "one", beyond.backend(beyond.get("ready.example")))
