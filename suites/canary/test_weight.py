"""A canary by weight."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.served import share_served
from fixtures.statistics import sample_size

from .conftest import Canaries

FOUND = {1: 0.02, 10: 0.05, 50: 0.1}
"""Per cent → how far off a share must be to be found with a probability of 99.9 %."""
LEAK = 1000
"""Requests against weights 0 and 100: a leak of 1 % stays unseen once in 23,000 times."""


@pytest.fixture
def canaries(put_canaries: Canaries) -> Routes:
    """A canary for each weight; the numbers of pods would give other shares than the weights."""
    return put_canaries("weight")


@feature("can.weight")
@pytest.mark.parametrize("percent", [0, 1, 10, 50, 100])
def test_the_canary_gets_its_share(canaries: Routes, percent: int, shares_hold: Callable[..., None]) -> None:
    """HTTPRoute: “Weight specifies the proportion of requests forwarded to the referenced backend.” Ingress:
    “canary-weight: The integer based (0 - 100) percent of random requests that should be routed to the service
    specified in the canary Ingress. A weight of 0 implies that no requests will be sent to the service in the Canary
    ingress by this canary rule.”

    https://gateway-api.sigs.k8s.io/guides/traffic-splitting/
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    share = percent / 100
    count = LEAK if share in {0.0, 1.0} else sample_size(share, FOUND[percent])
    seen = canaries.get_many(f"weight-{percent}.example", count=count, send_again=True)
    test = share_served(seen, canaries.namespace, "canary", share, others=["stable"])
    shares_hold(test, f"{percent} % of the requests to reach the canary")
