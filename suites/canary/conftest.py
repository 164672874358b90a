"""What checks of canaries ask for: the same canaries by each way that a controller claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from clusters.needs import Need
from fixtures.catalogue import identity_of
from fixtures.controllers import Controller
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.verdicts import unsupported

READY: Mapping[str, str] = {"ready-stable.example": "stable", "ready-canary.example": "canary"}
Canaries = Callable[..., Routes]


FLAVOURS = [
    pytest.param("by-httproute", marks=pytest.mark.needs(Need.GATEWAY)),
    pytest.param("by-ingress", marks=pytest.mark.needs(Need.CANARY_INGRESS)),
]
BY_INGRESS = pytest.mark.parametrize("flavour", FLAVOURS[1:], indirect=True)
"""For what has no counterpart in an HTTPRoute."""


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest, controller: Controller) -> str:
    """How canaries are asked for: ``by-httproute``, or ``by-ingress`` with ingress-nginx's annotations."""
    chosen = str(request.param)
    if refusal := controller.description.refusal(identity_of(request.node), chosen):
        unsupported(refusal.reason, refusal.source)
    if chosen == "by-httproute":
        controller.canary_by_gateway()
    else:
        controller.canary_by_ingress()
    return chosen


@pytest.fixture
def put_canaries(flavour: str, crossing: Arrange, controller: Controller) -> Canaries:
    """Put ``<name>_by_httproute.yaml`` or ``<name>_by_ingress.yaml`` before the controller, once for a file's tests."""

    def put(name: str, ready: Mapping[str, str] = READY) -> Routes:
        if flavour == "by-httproute":
            return crossing(f"{name}_by_httproute.yaml", ready=ready)
        claim = controller.canary_by_ingress()
        return crossing(f"{name}_by_ingress.yaml", gateway="", class_name=claim.class_name, ready=ready)

    return put
