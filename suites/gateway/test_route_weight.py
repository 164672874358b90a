"""HTTPRoute backend weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import share_served
from fixtures.statistics import sample_size

FOUND = 0.05
"""A share that is off by five points is found with a probability of 99.9 %."""
LEAK = 1000
"""Requests against weights 0 and 100: a leak of 1 % stays unseen once in 23,000 times."""


@pytest.fixture
def weights(routes: Arrange) -> Routes:
    """Two backends whose numbers of pods would give other shares than their weights."""
    ready = {"ready-stable.example": "stable", "ready-canary.example": "canary"}
    return routes("route_weight.yaml", gateway="edge", ready=ready)


@feature("gw.route.weight")
@pytest.mark.parametrize("percent", [0, 10, 100])
def test_a_backend_gets_the_share_of_its_weight(
    weights: Routes, percent: int, shares_hold: Callable[..., None]
) -> None:
    """“Weight specifies the proportion of requests forwarded to the referenced backend. This is computed as weight/(sum
    of all weights in this BackendRefs list).” “If weight is set to 0, no traffic should be forwarded for this entry.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L315
    """
    share = percent / 100
    count = LEAK if share in {0.0, 1.0} else sample_size(share, FOUND)
    seen = weights.get_many(f"canary-{percent}.example", count=count)
    test = share_served(seen, weights.namespace, "canary", share, others=["stable"])
    shares_hold(test, f"{percent} % of the requests to reach the backend with weight {percent} of 100")
