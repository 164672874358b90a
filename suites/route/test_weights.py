"""to and alternateBackends: requests are split by weight."""

from __future__ import annotations

from collections.abc import Callable

from fixtures import openshift_routes as judged
from fixtures.catalogue import feature
from fixtures.openshift_routes import Arranged
from fixtures.probes.kept import http_kept

REQUESTS = 2000


@feature("ocp.weights")
def test_requests_are_split_by_weight(routed: Arranged, shares_hold: Callable[..., None]) -> None:
    """“Requests are distributed among the backends depending on the weights assigned to each backend.” “Weights are
    between 0 and 256 with default 100. Weight 0 causes no requests to the backend.”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    router = routed.router
    for route, weights in (("weights", {"one": 100, "two": 25}), ("weight-zero", {"one": 100, "two": 0})):
        seen = http_kept(router.client, f"http://{routed.host(route)}/", address=router.address, count=REQUESTS)
        for test, name in zip(judged.splits(seen, router, weights), weights, strict=False):
            shares_hold(test, f"{route}: the share of {name} to be as its weight says", seen)
