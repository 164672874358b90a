"""HTTPRoute backend weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import holds
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import share_served
from fixtures.statistics import sample_size, shares

FOUND = 0.05
"""A share that is off by five points is found with a probability of 99.9 %."""
LEAK = 1000
"""Requests against weights 0 and 100: a leak of 1 % stays unseen once in 23,000 times."""
THOUSANDTHS = 12_000
"""Requests against 1 of 1000: so many that none at all, or 5 of 1000, is told from a right share."""


@pytest.fixture
def weights(crossing: Arrange) -> Routes:
    """Two backends and three, whose shares would be alike were their weights not kept."""
    return crossing("route_weight.yaml", ready={f"ready-{name}.example": name for name in ("one", "two", "three")})


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
    seen = weights.get_many(f"share-{percent}.example", count=count)
    test = share_served(seen, weights.namespace, "two", share, others=["one"])
    shares_hold(test, f"{percent} % of the requests to reach the backend with weight {percent} of 100")


@feature("gw.route.weight")
def test_a_thousandth_is_neither_nothing_nor_a_hundredth(weights: Routes, shares_hold: Callable[..., None]) -> None:
    """“Weight is not a percentage and the sum of weights does not need to equal 100.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L315
    """
    seen = weights.get_many("thousandth.example", count=THOUSANDTHS)
    test = share_served(seen, weights.namespace, "two", 0.001, others=["one"])
    shares_hold(test, "0.1 % of the requests to reach the backend with weight 1 of 1000")


@feature("gw.route.weight")
def test_three_backends_get_the_shares_of_their_weights(weights: Routes, shares_hold: Callable[..., None]) -> None:
    """“This is computed as weight/(sum of all weights in this BackendRefs list).”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L315
    """
    expected = {"one": 0.5, "two": 0.3, "three": 0.2}
    seen = weights.get_many("three-ways.example", count=sample_size(0.5, FOUND))
    counts = Counter(weights.backend(one) for one in seen)
    holds(not counts[""], f"all {len(seen)} requests to be answered by a backend", f"{counts['']} were not", seen[-20:])
    shares_hold(shares(counts, expected), "shares of 500, 300 and 200 of 1000")
