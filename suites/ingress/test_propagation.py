"""How soon a new Ingress is in force, and whether its status tells the truth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.status_truth import CHANGES, follow, has_address, tell


@pytest.fixture
def shop(crossing: Arrange) -> Routes:
    """A backend that is served already."""
    return crossing("propagation.yaml", gateway="", ready={"ready.example": "one"})


def made(shop: Routes, number: int) -> Object:
    """One like that which serves it, for another host."""
    made = shop.object("propagation.yaml", "Ingress", "ready")
    made["metadata"]["name"] = f"made-{number}"
    made["spec"]["rules"][0]["host"] = f"made-{number}.example"
    return made


@feature("ing.propagation")
def test_a_new_ingress_is_served_and_its_status_says_so(shop: Routes, note: Callable[[str, object], None]) -> None:
    """“kubectl updates the resource in the API server, which tells the Ingress controller to reconfigure the load
    balancer.” When, and whether the status comes before or after the truth, is told and not judged.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#updating-an-ingress
    """
    shop.settle()
    tell(
        [follow(shop, made(shop, number), f"made-{number}.example", "one", has_address) for number in range(CHANGES)],
        note,
    )
