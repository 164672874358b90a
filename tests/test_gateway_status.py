"""Status of Gateways, listeners and routes, as it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.api import Api
from fixtures.gateway_status import condition, gateway, listeners, of_route, parents
from fixtures.workloads import Namespace

ACCEPTED = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "fine"}


class Stored(Api):
    """An API server that has one object, or none."""

    def __init__(self, status: dict[str, Any] | None) -> None:
        self.status = status

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        return None if self.status is None else {"kind": kind, "status": self.status}


def in_namespace(status: dict[str, Any] | None) -> Namespace:
    return Namespace(Stored(status), "ours", Path())


def test_a_condition_is_status_and_reason_and_empty_where_there_is_none() -> None:
    assert condition([ACCEPTED], "Accepted") == {"status": "True", "reason": "Accepted"}
    assert condition([ACCEPTED], "Programmed") == {}
    assert condition(None, "Accepted") == {}


def test_a_route_tells_what_its_parent_says() -> None:
    told = in_namespace({"parents": [{"conditions": [ACCEPTED]}]})
    assert of_route(told, "shop", "Accepted") == {"status": "True", "reason": "Accepted"}
    assert of_route(told, "shop", "ResolvedRefs") == {}


@pytest.mark.parametrize("status", [None, {}, {"parents": []}])
def test_a_route_that_nobody_judged_tells_nothing(status: dict[str, Any] | None) -> None:
    assert parents(in_namespace(status), "shop") == []
    assert of_route(in_namespace(status), "shop", "Accepted") == {}


def test_listeners_are_told_by_name() -> None:
    told = in_namespace({"listeners": [{"name": "http", "attachedRoutes": 2}]})
    assert listeners(told, "edge") == {"http": {"name": "http", "attachedRoutes": 2}}
    assert listeners(in_namespace(None), "edge") == {}
    assert gateway(in_namespace(None), "edge") == {}
