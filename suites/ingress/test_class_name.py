"""ingressClassName: a controller serves its own class, and leaves another's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from fixtures.api import Api, Object
from fixtures.catalogue import feature
from fixtures.convergence import await_value, never
from fixtures.expectations import equal
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.workloads import Namespace

INGRESS = ("networking.k8s.io/v1", "Ingress")
FOREIGN = "of-another-controller"
WINDOW = 3.0
"""Seconds for which the foreign Ingress must go unserved after ours is served."""


@pytest.fixture
def classes(routes_in: Arrange, namespace: Namespace, api: Api) -> Iterator[Routes]:
    """Two Ingresses alike but for their class. The foreign class is made for this test, and taken away after it."""
    name = f"{namespace.name}-{FOREIGN}"
    (foreign_class,) = yaml.safe_load_all((namespace.folder / "another_class.yaml").read_text(encoding="utf-8"))
    foreign_class["metadata"]["name"] = name
    namespace.apply_outside(foreign_class)
    made = routes_in(namespace, ready={"ours.example": "echo"})
    made.arrange("class_name.yaml", change=lambda found: with_class(found, name))
    yield made
    api.delete("networking.k8s.io/v1", "IngressClass", name, "")


def with_class(found: Object, name: str) -> Object:
    if found["spec"].get("ingressClassName") == FOREIGN:
        found["spec"]["ingressClassName"] = name
    return found


def addresses(namespace: Namespace, ingress: str) -> list[str]:
    """What an Ingress's status says about where it is served."""
    found = namespace.api.get(*INGRESS, ingress, namespace.name) or {}
    served = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [str(entry.get("ip") or entry.get("hostname")) for entry in served]


@feature("ing.class.name")
def test_its_own_class_is_served_and_anothers_left_alone(classes: Routes, note: Callable[[str, object], None]) -> None:
    """“Ingresses can be implemented by different controllers, often with different configuration. Each Ingress should
    specify a class, a reference to an IngressClass resource that contains additional configuration including the name
    of the controller that should implement the class.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class
    """
    served_by(classes.get("ours.example"), classes.namespace, "echo")
    never(
        lambda: [classes.get("foreign.example")],
        lambda seen: classes.backend(seen[0]) != "",
        what="the host of the foreign class's Ingress to reach no backend",
        window=WINDOW,
    )
    own = await_value(
        lambda: addresses(classes.namespace, "ours"), bool, what="our Ingress's status to have an address"
    )
    note("address in the status of the own class", ", ".join(own))
    equal("the status of the foreign class's Ingress", [], addresses(classes.namespace, "foreign"))
