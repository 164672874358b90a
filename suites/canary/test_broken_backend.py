"""A canary that has no endpoints."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.catalogue import feature
from fixtures.expectations import holds, tally
from fixtures.served import told
from fixtures.statistics import sample_size, share_at_most

from .conftest import Canaries

WEIGHT, FOUND = 0.2, 0.08
"""The canary's share, and how far off it must be to be found with a probability of 99.9 %."""
SERVER_ERRORS = range(500, 600)


@feature("can.broken-backend")
def test_a_canary_without_endpoints_harms_no_more_than_its_share(
    put_canaries: Canaries, shares_hold: Callable[..., None], note: Callable[[str, object], None]
) -> None:
    """“If two backends are specified with equal weights, and one is invalid, 50 percent of traffic MUST receive a 500.”
    “When a HTTPBackendRef refers to a Service that has no ready endpoints, implementations SHOULD return a 503 for
    requests to that backend instead. … all of the above rules for 500 responses MUST also apply.”

    A controller may spare them all, as ingress-nginx does: then nobody is harmed.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L285
    """
    routes = put_canaries("broken", {"ready-stable.example": "stable"})
    seen = routes.get_many("broken.example", count=sample_size(WEIGHT, FOUND), send_again=True)
    harmed = [one for one in seen if routes.backend(one) != "stable"]
    note("answers other than the stable backend's", tally(str(one.status) for one in harmed) or "none")
    strangers = [one for one in harmed if one.status not in SERVER_ERRORS]
    holds(
        not strangers,
        "every request to be answered by the stable backend, or with a server error",
        f"{len(strangers)} of {len(seen)} were not; first: {told((strangers or seen)[0], routes.namespace.name)}",
        strangers,
    )
    test = share_at_most(len(harmed), len(seen), WEIGHT)
    shares_hold(test, f"{WEIGHT:.0%} of the requests to get an error, at the most", harmed)
