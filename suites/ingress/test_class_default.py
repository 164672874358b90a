"""The default IngressClass, and Ingresses that name none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import yaml

from clusters.needs import Need
from fixtures.afterwards import afterwards
from fixtures.api import Api, Object
from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.convergence import await_value, never
from fixtures.expectations import equal, holds
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.workloads import Namespace

CLASSES = ("networking.k8s.io/v1", "IngressClass")
DEFAULT = "ingressclass.kubernetes.io/is-default-class"
WINDOW = 3.0
"""Seconds for which an Ingress without a class must go unserved after one with a class is served."""


@pytest.fixture
def unclassed(routes_in: Arrange, namespace: Namespace) -> Routes:
    """Nothing yet: an Ingress without a class gets one, or not, at the moment that it is made."""
    return routes_in(namespace, ready={"with-class.example": "echo"})


def defaults(api: Api) -> set[str]:
    """The IngressClasses that are marked as default."""
    listed = api.dynamic.resources.get(api_version=CLASSES[0], kind=CLASSES[1]).get().to_dict()["items"]
    return {
        item["metadata"]["name"] for item in listed if item["metadata"].get("annotations", {}).get(DEFAULT) == "true"
    }


@contextmanager
def default_class(routes: Routes, name: str) -> Iterator[None]:
    """The class is the default for the block, and the API server's admission knows it, or no longer knows it."""
    api, found = routes.namespace.api, unclassed_ingress(routes, "never-kept")

    def mark(word: str | None, given: str) -> None:
        api.patch(*CLASSES, name, "", {"metadata": {"annotations": {DEFAULT: word}}})
        await_value(
            lambda: api.tried(found, routes.namespace.name)["spec"].get("ingressClassName", ""),
            lambda seen: (seen == given) if given else (seen != name),
            what=f"an Ingress that names no class to be given {given or 'another one than ' + name}",
        )

    with afterwards(lambda: mark(None, "")):
        mark("true", name)
        yield


def unclassed_ingress(routes: Routes, name: str) -> Object:
    """An Ingress that names no class, with a name and a host of its own."""
    found = next(one for one in routes.namespace.read("class_default.yaml") if one["kind"] == "Ingress")
    found["metadata"]["name"] = name
    found["spec"]["rules"][0]["host"] = f"{name}.example"
    return routes.fit(found)


def class_of(routes: Routes, name: str) -> str:
    found = routes.namespace.api.get("networking.k8s.io/v1", "Ingress", name, routes.namespace.name) or {}
    return str(found["spec"].get("ingressClassName", ""))


@feature("ing.class.default")
@pytest.mark.disturbs
@pytest.mark.needs(Need.CONTROLLER)
def test_an_ingress_that_names_no_class_gets_the_default_and_is_served(unclassed: Routes) -> None:
    """“Setting the ingressclass.kubernetes.io/is-default-class annotation to true on an IngressClass resource will
    ensure that new Ingresses without an ingressClassName field specified will be assigned this default IngressClass.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
    """
    unclassed.ready["without-class.example"] = "echo"
    with default_class(unclassed, unclassed.class_name):
        unclassed.arrange("class_default.yaml")
    equal("the ingressClassName of the Ingress without one", unclassed.class_name, class_of(unclassed, "without-class"))
    served_by(unclassed.get("without-class.example"), unclassed.namespace, "echo")


@feature("ing.class.default")
def test_without_a_default_an_ingress_that_names_no_class_stays_without(
    unclassed: Routes, controller: Controller, api: Api
) -> None:
    """“There are some ingress controllers, that work without the definition of a default IngressClass.” What a
    controller does is in its documentation; the field stays empty.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
    """
    if found := defaults(api):
        pytest.skip(f"this cluster has a default IngressClass: {', '.join(sorted(found))}")
    unclassed.arrange("class_default.yaml")
    equal("the ingressClassName of the Ingress without one", "", class_of(unclassed, "without-class"))
    if controller.ingress().serves_without_class:
        unclassed.ready["without-class.example"] = "echo"
        served_by(unclassed.get("without-class.example"), unclassed.namespace, "echo")
        return
    served_by(unclassed.get("with-class.example"), unclassed.namespace, "echo")
    never(
        lambda: [unclassed.get("without-class.example")],
        lambda seen: unclassed.backend(seen[0]) != "",
        what="the host of an Ingress without a class to reach no backend",
        window=WINDOW,
    )


@pytest.fixture
def second_class(namespace: Namespace, api: Api) -> Iterator[str]:
    """Another controller's class, newer than any that is there; it goes afterwards."""
    name = f"{namespace.name}-second"
    (made,) = yaml.safe_load_all((namespace.folder / "another_class.yaml").read_text(encoding="utf-8"))
    made["metadata"]["name"] = name
    namespace.apply_outside(made)
    yield name
    api.delete(*CLASSES, name, "")


@feature("ing.class.default")
@pytest.mark.disturbs
@pytest.mark.needs(Need.CONTROLLER)
def test_of_two_default_classes_none_is_chosen_or_the_newest(
    unclassed: Routes, second_class: str, note: Callable[[str, object], None]
) -> None:
    """“If you have more than one IngressClass marked as the default for your cluster, the admission controller prevents
    creating new Ingress objects that don't have an ingressClassName specified.” Since 1.26 the API server's own source
    says otherwise: “%d default IngressClasses were found, choosing the newest”. Either is right; which one is recorded.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/plugin/pkg/admission/network/defaultingressclass/admission.go#L152
    """
    with default_class(unclassed, unclassed.class_name), default_class(unclassed, second_class):
        refused = unclassed.namespace.refusal(unclassed_ingress(unclassed, "of-two"))
    given = "" if refused else class_of(unclassed, "of-two")
    note("an Ingress without a class, with two default classes", refused.message if refused else f"is given {given}")
    holds(
        bool(refused) or given == second_class,
        f"an Ingress without a class to be refused, or to get the newest default, {second_class}",
        f"it was taken, with the class {given or '(none)'}",
    )
