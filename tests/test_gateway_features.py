"""What a controller supports of the Gateway API: from its GatewayClass and its description, and what that ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from kubernetes.client.exceptions import ApiException

from clusters.controllers.description import describe
from fixtures.api import Api
from fixtures.controllers import Controller
from fixtures.gateway_features import claimed, features_of
from fixtures.verdicts import Unsupported

LISTED = {"status": {"supportedFeatures": [{"name": "Gateway"}, {"name": "HTTPRouteMethodMatching"}]}}


class Classes(Api):
    """An API server that has one GatewayClass, or forbids to read it."""

    def __init__(self, stored: dict[str, Any] | None, *, forbidden: bool = False) -> None:
        self.stored, self.forbidden = stored, forbidden

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        assert (kind, name, namespace) == ("GatewayClass", "traefik", "")
        if self.forbidden:
            raise ApiException(status=403)
        return self.stored


def controller(*features: str) -> Controller:
    found = describe("traefik")
    assert found.gateway is not None
    claim = msgspec.structs.replace(found.gateway, features=list(features))
    return Controller(description=msgspec.structs.replace(found, gateway=claim), address="")


def test_features_are_those_of_the_class_and_those_of_the_description() -> None:
    assert features_of(Classes(LISTED), controller("UDPRoute")) == {"Gateway", "HTTPRouteMethodMatching", "UDPRoute"}


@pytest.mark.parametrize("stored", [None, {}, {"status": {"conditions": []}}])
def test_a_class_that_lists_nothing_leaves_the_description(stored: dict[str, Any] | None) -> None:
    assert features_of(Classes(stored), controller("UDPRoute")) == {"UDPRoute"}


def test_a_class_that_may_not_be_read_leaves_the_description() -> None:
    assert features_of(Classes(None, forbidden=True), controller("UDPRoute")) == {"UDPRoute"}


def test_a_controller_without_gateways_has_no_features() -> None:
    ours = controller()
    without = Controller(description=msgspec.structs.replace(ours.description, gateway=None), address="")
    assert features_of(Classes(LISTED), without) == frozenset()


def test_what_is_claimed_nowhere_is_unsupported_with_the_documentation() -> None:
    claimed(controller(), frozenset({"TCPRoute"}), ["TCPRoute"])
    with pytest.raises(Unsupported, match=r"claims no TCPRoute and no UDPRoute: .*supportedFeatures") as caught:
        claimed(controller(), frozenset({"GRPCRoute"}), ["UDPRoute", "GRPCRoute", "TCPRoute"])
    assert caught.value.source.startswith("https://doc.traefik.io/")


def test_of_a_controller_that_lists_nothing_and_whose_folder_is_silent_nothing_was_looked_up() -> None:
    claimed(controller(), frozenset(), [])
    with pytest.raises(pytest.skip.Exception, match=r"nobody has looked up yet whether it supports TCPRoute"):
        claimed(controller(), frozenset(), ["TCPRoute"])
