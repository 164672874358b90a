"""Which host a rule is for: an exact name, or a wildcard for one label."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def hosts(crossing: Arrange) -> Routes:
    """Two exact hosts and a wildcard, each with a backend."""
    ready = {"first.example": "one", "second.example": "two", "a.wild.example": "three"}
    return crossing("host.yaml", gateway="", ready=ready)


@feature("ing.host")
@pytest.mark.smoke
@pytest.mark.parametrize(("name", "backend"), [("first", "one"), ("second", "two")], ids=["first", "second"])
def test_each_exact_host_reaches_its_own_backend(hosts: Routes, name: str, backend: str) -> None:
    """“If a host is provided (for example, foo.bar.com), the rules apply to that host.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-rules
    """
    served_by(hosts.get(f"{name}.example"), hosts.namespace, backend)


@feature("ing.host")
@pytest.mark.parametrize(
    "host", ["third.example", "below.first.example", "firsts.example"], ids=["another", "below-it", "longer"]
)
def test_another_host_reaches_no_exact_rule(hosts: Routes, host: str) -> None:
    """“Precise matches require that the HTTP host header matches the host field.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
    """
    not_served(hosts.get(host), hosts.namespace)


@feature("ing.host")
def test_the_host_matches_in_any_case(hosts: Routes) -> None:
    """A host is compared without regard to case, as RFC 9110 says of every URI.

    https://www.rfc-editor.org/rfc/rfc9110#section-4.2.3
    """
    shouted = hosts.host("first.example").upper()
    served_by(hosts.get("first.example", headers={"Host": shouted}), hosts.namespace, "one")


@feature("ing.host.wildcard")
@pytest.mark.parametrize("host", ["a.wild.example", "b-2.wild.example"])
def test_a_wildcard_takes_one_label(hosts: Routes, host: str) -> None:
    """“*.foo.com with bar.foo.com: Matches based on shared suffix.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
    """
    served_by(hosts.get(host), hosts.namespace, "three")


@feature("ing.host.wildcard")
@pytest.mark.parametrize("host", ["a.b.wild.example", "wild.example"], ids=["two-labels", "no-label"])
def test_a_wildcard_takes_no_more_and_no_less_than_one_label(hosts: Routes, host: str) -> None:
    """“No match, wildcard only covers a single DNS label.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
    """
    not_served(hosts.get(host), hosts.namespace)
