"""GatewayClasses: a controller judges the ones that name it, and leaves others alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from clusters.needs import Need
from fixtures.api import Api, Object
from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.convergence import await_value, remains
from fixtures.expectations import equal
from fixtures.gateway_status import condition, gateway
from fixtures.routes import GATEWAYS
from fixtures.workloads import Namespace

UNJUDGED = {"status": "Unknown", "reason": "Pending"}
WINDOW = 3.0
"""Seconds for which the foreign class and its Gateway must stay unjudged after ours is judged."""


def accepted(api: Api, name: str) -> dict[str, str]:
    """What a GatewayClass's condition Accepted says."""
    found = api.get(GATEWAYS, "GatewayClass", name, "") or {}
    return condition((found.get("status") or {}).get("conditions"), "Accepted")


@pytest.fixture
def classes(namespace: Namespace, controller: Controller, api: Api) -> Iterator[dict[str, str]]:
    """A class more of the controller's and one of nobody's, with a Gateway: by what they are, their names."""
    names = {of: f"{namespace.name}-{of}" for of in ("ours", "foreign")}
    gateway_of_nobody, *both = namespace.read("class.yaml")
    for found in both:
        of = found["metadata"]["name"]
        if of == "ours":
            found["spec"]["controllerName"] = controller.gateway().controller
        namespace.apply_outside(named(found, names[of]))
    gateway_of_nobody["spec"]["gatewayClassName"] = names["foreign"]
    namespace.apply_object(gateway_of_nobody)
    yield names
    for name in names.values():
        api.delete(GATEWAYS, "GatewayClass", name, "")


def named(found: Object, name: str) -> Object:
    return {**found, "metadata": {**found["metadata"], "name": name}}


@feature("gw.class.accepted")
def test_the_controllers_class_is_accepted(controller: Controller, api: Api) -> None:
    """“The status of this condition MUST be set to True if the controller will support provisioning Gateways using this
    class.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gatewayclass_types.go#L163
    """
    equal("its class's condition Accepted", "True", accepted(api, controller.gateway().class_name).get("status"))


@feature("gw.class.accepted")
@pytest.mark.needs(Need.CLUSTER_SCOPED)
def test_every_class_of_the_controller_is_judged_and_no_other(
    classes: dict[str, str], namespace: Namespace, api: Api, note: Callable[[str, object], None]
) -> None:
    """“Implementations MUST populate status on all GatewayClass resources which specify their controller name.” “This
    condition defaults to Unknown, and MUST be set by a controller when it sees a GatewayClass using its controller
    string.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gatewayclass_types.go#L65
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gatewayclass_types.go#L163
    """
    judged = await_value(
        lambda: accepted(api, classes["ours"]),
        lambda told: told.get("status") in {"True", "False"},
        what="another class that names the controller to be judged",
    )
    note("another class of the controller", f"Accepted is {judged['status']} ({judged['reason']})")
    remains(lambda: accepted(api, classes["foreign"]), UNJUDGED, what="the class of nobody", window=WINDOW)
    addresses = (gateway(namespace, "of-nobody").get("status") or {}).get("addresses") or []
    equal("the addresses of a Gateway of nobody's class", [], addresses)
