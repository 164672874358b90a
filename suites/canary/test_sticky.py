"""Clients that stay where they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.api import Api
from fixtures.catalogue import feature
from fixtures.expectations import holds
from fixtures.routes import Routes
from fixtures.served import served_by
from fixtures.verdicts import unsupported

from .conftest import Canaries

CLIENTS, AGAIN = 24, 10
"""That half of 24 clients all begin at one backend has a probability of 1e-7; that a weight of 50 sends one client ten
times to the same backend by chance, of 1e-3, and 24 of them, of 1e-72."""
GEP = "https://gateway-api.sigs.k8s.io/geps/gep-1619/"


@pytest.fixture
def sticky(flavour: str, put_canaries: Canaries, api: Api) -> Routes:
    """A canary with half of the clients."""
    if flavour == "by-httproute" and not knows_session_persistence(api):
        unsupported("The Gateway API's definitions of this cluster (standard channel) have no sessionPersistence.", GEP)
    return put_canaries("sticky")


def knows_session_persistence(api: Api) -> bool:
    definition = api.get(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "httproutes.gateway.networking.k8s.io", ""
    )
    return "sessionPersistence" in str(definition)


@feature("can.sticky")
def test_a_client_stays_where_it_was(sticky: Routes, note: Callable[[str, object], None]) -> None:
    """“affinity-canary-behavior … sticky (default)”: “ensures that users that were served by canaries, will continue to
    be served by canaries.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#session-affinity
    https://gateway-api.sigs.k8s.io/geps/gep-1619/
    """
    began = []
    for _ in range(CLIENTS):
        first = sticky.get("sticky.example")
        kept = "; ".join(cookie.partition(";")[0] for cookie in first.cookies)
        holds(bool(kept), "the first answer to a client to set a cookie", f"none from {sticky.backend(first)}", [first])
        began.append(sticky.backend(first))
        for _ in range(AGAIN):
            served_by(sticky.get("sticky.example", headers={"Cookie": kept}), sticky.namespace, began[-1])
    note("clients that began at the canary", f"{began.count('canary')} of {CLIENTS}")
    holds(len(set(began)) == 2, "clients to begin at both backends", f"all began at {began[0]}")
