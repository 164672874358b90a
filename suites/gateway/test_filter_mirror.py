"""The filter RequestMirror."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.expectations import all_answered, equal
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.statistics import sample_size, share
from fixtures.timeouts import Timeout

FOUND = 0.1
"""A share that is off by ten points is found with a probability of 99.9 %."""


@pytest.fixture
def mirrors(crossing: Arrange) -> Routes:
    """Rules that send copies of all requests, and of a share of them, to a second backend."""
    return crossing("filter_mirror.yaml", ready={"ready.example": "one"})


def copies(mirrors: Routes, marker: str) -> Counter[str]:
    """How many requests whose path ends in the marker each backend says that it has seen, by its log."""
    counted: Counter[str] = Counter()
    for backend in ("one", "two"):
        for pod in mirrors.namespace.pods(f"app={backend}"):
            log = mirrors.namespace.api.core.read_namespaced_pod_log(pod.name, mirrors.namespace.name)
            counted[backend] += sum(f"/{marker} " in line for line in log.splitlines())
    return counted


def settled(mirrors: Routes, marker: str, at_least: int) -> Counter[str]:
    """The same once the mirror has at least so many, and no more come between two looks."""
    seen: list[Counter[str]] = [copies(mirrors, marker)]

    def look() -> bool:
        seen.append(copies(mirrors, marker))
        return seen[-1]["two"] >= at_least and seen[-1] == seen[-2]

    await_value(look, bool, what=f"the mirror to see {at_least} copies or more", timeout=Timeout.DATA_PATH, every=0.5)
    return seen[-1]


@feature("gw.filter.mirror")
@supports("HTTPRouteRequestMirror")
def test_the_mirror_gets_a_copy_and_the_client_the_answer(mirrors: Routes) -> None:
    """“Requests are sent to the specified destination, but responses from that destination are ignored.” “Mirrored
    requests must be sent only to a single destination endpoint within this BackendRef.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L880
    """
    marker = secrets.token_hex(4)
    seen = mirrors.get("mirror.example", f"/{marker}")
    served_by(seen, mirrors.namespace, "one")
    equal("requests that each backend has seen", {"one": 1, "two": 1}, dict(settled(mirrors, marker, 1)), [seen])


@feature("gw.filter.mirror")
@supports("HTTPRouteRequestPercentageMirror")
@pytest.mark.parametrize(("kind", "expected"), [("percent", 0.3), ("fraction", 0.25)])
def test_the_mirror_gets_its_share_of_copies(
    mirrors: Routes, kind: str, expected: float, shares_hold: Callable[..., None]
) -> None:
    """“Percent represents the percentage of requests that should be mirrored to BackendRef.” “Fraction represents the
    fraction of requests that should be mirrored to BackendRef.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1355
    """
    marker = secrets.token_hex(4)
    count = sample_size(expected, FOUND)
    seen = mirrors.get_many("share.example", f"/{kind}/{marker}", count=count)
    all_answered(seen)
    counted = settled(mirrors, marker, 1)
    equal("requests that the main backend has seen", count, counted["one"])
    shares_hold(share(counted["two"], count, expected), f"{expected:.0%} of the requests to be mirrored")
