"""Listeners and routes that meet by their hostnames or by a listener's name."""

from __future__ import annotations

from functools import partial

import pytest

from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.expectations import equal
from fixtures.gateway_status import listeners, of_route
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def listening(routes: Arrange) -> Routes:
    """Listeners for a host and for what is below a domain, and routes to all of them or to one."""
    return routes("listeners.yaml", gateway="edge", ready={"ready.wild.example": "one"})


@feature("gw.listener.hostname-wildcard")
@pytest.mark.parametrize(
    ("host", "backend"),
    [
        pytest.param("exact.example", "one", id="both-exact"),
        pytest.param("named.wild.example", "one", id="named-below-the-listeners-wildcard"),
        pytest.param("any.wild.example", "two", id="both-wildcards"),
        pytest.param("any.other.wild.example", "two", id="a-wildcard-takes-several-labels"),
        pytest.param("any.deep.wild.example", "three", id="longer-wildcard-first"),
        pytest.param("deep.wild.example", "two", id="not-the-longer-wildcards-own-domain"),
        pytest.param("one.narrow.example", "three", id="the-routes-wildcard-around-the-listener"),
    ],
)
def test_a_route_is_served_where_its_hostnames_meet_the_listeners(listening: Routes, host: str, backend: str) -> None:
    """“There must be at least one intersecting hostname for the HTTPRoute to be attached to the Listener.” “Hostnames
    that are prefixed with a wildcard label (`*.`) are interpreted as a suffix match.” “Precedence must be given to
    rules from the HTTPRoute with the largest number of: Characters in a matching non-wildcard hostname. Characters in a
    matching hostname.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L77
    """
    served_by(listening.get(host), listening.namespace, backend)


@feature("gw.listener.hostname-wildcard")
@pytest.mark.parametrize(
    "host",
    [
        pytest.param("other.example", id="of-the-route-alone"),
        pytest.param("wild.example", id="not-the-wildcards-own-domain"),
        pytest.param("below.exact.example", id="below-an-exact-one"),
        pytest.param("two.narrow.example", id="of-the-routes-wildcard-alone"),
        pytest.param("elsewhere.example", id="of-no-listener"),
    ],
)
def test_a_route_is_not_served_for_what_the_listener_has_not(listening: Routes, host: str) -> None:
    """“If both the Listener and HTTPRoute have specified hostnames, any HTTPRoute hostnames that do not match the
    Listener hostname MUST be ignored.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L95
    """
    not_served(listening.get(host), listening.namespace, status=404)


@feature("gw.listener.hostname-wildcard")
def test_a_route_without_a_hostname_in_common_is_not_accepted(listening: Routes) -> None:
    """“If both the Listener and HTTPRoute have specified hostnames, and none match with the criteria above, then the
    HTTPRoute is not accepted.” Its reason is NoMatchingListenerHostname.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L101
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L375
    """
    read = partial(of_route, listening.namespace, "none-meets", "Accepted")
    told = await_value(read, bool, what="the route none-meets to be judged")
    equal("its condition Accepted", {"status": "False", "reason": "NoMatchingListenerHostname"}, told)


@feature("gw.section-name")
@pytest.mark.parametrize(
    ("host", "backend"),
    [
        pytest.param("any.left.example", "one", id="left"),
        pytest.param("any.right.example", "two", id="right"),
        pytest.param("shared.left.example", "three", id="left-with-hostnames-of-both"),
        pytest.param("shared.right.example", "two", id="not-right-with-hostnames-of-both"),
    ],
)
def test_a_route_attaches_to_the_listener_that_it_names(listening: Routes, host: str, backend: str) -> None:
    """“SectionName is the name of a section within the target resource. … Gateway: Listener name.” “When unspecified
    (empty string), this will reference the entire resource.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L92
    """
    served_by(listening.get(host), listening.namespace, backend)


@feature("gw.section-name")
def test_a_route_to_a_listener_that_there_is_not_is_not_accepted(listening: Routes) -> None:
    """NoMatchingParent: “this can occur when a Route ParentRef specifies a Port and/or SectionName that does not match
    any Listeners in the Gateway.” Its host is served by the route of the listener that has it.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L379
    """
    served_by(listening.get("nowhere.left.example"), listening.namespace, "one")
    read = partial(of_route, listening.namespace, "to-nowhere", "Accepted")
    told = await_value(read, bool, what="the route to-nowhere to be judged")
    equal("its condition Accepted", {"status": "False", "reason": "NoMatchingParent"}, told)


@feature("gw.listener.status")
def test_each_listener_counts_the_routes_attached_to_it(listening: Routes) -> None:
    """“The AttachedRoutes number represents the number of Routes with the Accepted condition set to "True" that have
    been attached to this Listener.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1388
    """
    served_by(listening.get("exact.example"), listening.namespace, "one")
    expected = {"exact": 1, "wild": 4, "narrow": 1, "left": 2, "right": 1}

    await_value(
        lambda: {name: told["attachedRoutes"] for name, told in listeners(listening.namespace, "edge").items()},
        lambda counted: counted == expected,
        what=f"the routes attached to each listener to be {expected}",
    )
