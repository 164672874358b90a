"""A canary that gets more and more, and its end, while requests come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise

import pytest

from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.observations import HttpObservation
from fixtures.served import share_served
from fixtures.statistics import sample_size, share
from fixtures.steady import Stream, no_loss
from fixtures.timeouts import Timeout

from .conftest import Canaries
from .steps import Canary, Steps

STEPS = (0, 1, 5, 25, 50, 100)
FOUND = {1: 0.02, 5: 0.05, 25: 0.1, 50: 0.1}
"""Per cent → how far off a share must be to be found with a probability of 99.9 %."""
LEAK = 1000
"""Requests against shares of 0 and 100: a leak of 1 % stays unseen once in 23,000 times."""
UNTIL = 400
"""Requests at a time, until the share of before is refuted."""


@pytest.fixture
def canary_of(flavour: str, put_canaries: Canaries) -> Steps:
    """The canary of a host, with weight 0."""
    return lambda host: Canary(flavour, put_canaries("ramp"), host)


def share_is(canary: Canary, percent: int, shares_hold: Callable[..., None]) -> None:
    """Of requests that are sent now, so many reach the canary; on their own connections beside the steady stream."""
    count = sample_size(percent / 100, FOUND[percent]) if percent in FOUND else LEAK
    seen = canary.routes.get_many(canary.host, count=count, send_again=True)
    test = share_served(seen, canary.routes.namespace, "canary", percent / 100, others=["stable"])
    shares_hold(test, f"{percent} % of the requests to reach the canary")


def share_is_no_more(canary: Canary, percent: int) -> float:
    """Wait until requests refute the share of before; they are not judged. The seconds from the new weight to then.

    A controller may hand weights to its proxy on another stream than rules: where a rule has come, they may not yet.
    """

    def refuted(seen: Sequence[HttpObservation]) -> bool:
        counted = sum(canary.routes.backend(one) == "canary" for one in seen)
        return not share(counted, len(seen), percent / 100).holds

    seen = converge(
        lambda: canary.routes.get_many(canary.host, count=UNTIL, send_again=True),
        refuted,
        what=f"the share of before ({percent} %) to be no more",
        successes=1,
        timeout=Timeout.ROUTES,
        every=0.02,
    )
    return max(one.at for one in seen) - canary.weighed


@feature("can.ramp")
def test_the_share_follows_each_step_and_no_request_is_lost(
    canary_of: Steps,
    steady_route: Callable[..., AbstractContextManager[Stream]],
    shares_hold: Callable[..., None],
    note: Callable[[str, object], None],
) -> None:
    """“canary-weight: The integer based (0 - 100) percent of random requests that should be routed to the service
    specified in the canary Ingress.” “Gradual traffic rollout”: “adjust the weights” of an HTTPRoute's backends.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    https://gateway-api.sigs.k8s.io/guides/traffic-splitting/
    """
    canary = canary_of("ramp.example")
    with steady_route(canary.routes, canary.host) as stream:
        for before, percent in pairwise((STEPS[0], *STEPS)):
            stream.mark(f"weight {percent}")
            took = f"{canary.weigh(percent):.2f} until a rule that came with it was in force"
            if before != percent:
                took += f", {share_is_no_more(canary, before):.2f} until {UNTIL} requests refuted the share of before"
            note(f"seconds to settle at weight {percent}", took)
            share_is(canary, percent, shares_hold)
    no_loss(stream, "while the canary's weight went from 0 to 100")


@feature("can.abort")
@pytest.mark.parametrize(("end", "left"), [("abort", 0), ("promote", 100)])
def test_a_canary_ends_without_loss(
    end: str,
    left: int,
    canary_of: Steps,
    steady_route: Callable[..., AbstractContextManager[Stream]],
    shares_hold: Callable[..., None],
    note: Callable[[str, object], None],
) -> None:
    """“Complete the rollout”: “Once … you are confident … update the HTTPRoute to forward all traffic” to one version.

    https://gateway-api.sigs.k8s.io/guides/traffic-splitting/
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    canary = canary_of(f"{end}.example")
    canary.weigh(50)
    with steady_route(canary.routes, canary.host) as stream:
        stream.await_answers(25)
        stream.mark(end)
        note(f"seconds until the end ({end}) was in force", f"{getattr(canary, end)():.2f}")
        share_is(canary, left, shares_hold)
    no_loss(stream, f"while the canary came to its end ({end})")
