"""ingressClassName: a controller serves its own class, and leaves another's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from fixtures.api import Api, Object
from fixtures.catalogue import feature
from fixtures.controllers import first_address
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
def foreign_class(namespace: Namespace, api: Api) -> Iterator[str]:
    """The class of a controller that does not exist, made for this test, and taken away after it."""
    name = f"{namespace.name}-{FOREIGN}"
    (made,) = yaml.safe_load_all((namespace.folder / "another_class.yaml").read_text(encoding="utf-8"))
    made["metadata"]["name"] = name
    namespace.apply_outside(made)
    yield name
    api.delete("networking.k8s.io/v1", "IngressClass", name, "")


@pytest.fixture
def classes(routes_in: Arrange, namespace: Namespace, foreign_class: str) -> Routes:
    """Two Ingresses alike but for their class."""
    made = routes_in(namespace, ready={"ours.example": "echo"})
    made.arrange("class_name.yaml", change=lambda found: with_class(found, foreign_class))
    return made


def with_class(found: Object, name: str) -> Object:
    if found["spec"].get("ingressClassName") == FOREIGN:
        found["spec"]["ingressClassName"] = name
    return found


def ingress(namespace: Namespace, name: str) -> Object:
    return namespace.api.get(*INGRESS, name, namespace.name) or {}


@feature("ing.class.name")
def test_its_own_class_is_served_and_anothers_is_not(classes: Routes) -> None:
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


@feature("ing.class.foreign")
def test_anothers_status_is_untouched_and_nothing_is_said_of_it(
    classes: Routes, note: Callable[[str, object], None]
) -> None:
    """“Ingress controller implementations use this field to know whether they should be serving this Ingress resource,
    by a transitive connection (controller -> IngressClass -> Ingress resource).” Who should not serve it has nothing to
    say of it: it writes no status, and records no event.

    https://kubernetes.io/docs/reference/kubernetes-api/networking/ingress-v1/#IngressSpec
    """
    served_by(classes.get("ours.example"), classes.namespace, "echo")
    own = await_value(
        lambda: first_address(ingress(classes.namespace, "ours")), bool, what="our Ingress's status to have an address"
    )
    note("address in the status of the own class", own)
    equal("the address in the foreign Ingress's status", "", first_address(ingress(classes.namespace, "foreign")))
    events = [told for told in classes.namespace.events() if " Ingress/foreign " in told]
    equal("the events about the foreign Ingress", [], events)
