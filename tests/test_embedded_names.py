"""Everything of a cluster is found by its name alone, and nothing of another."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters.embedded import names
from clusters.errors import UsageError

GOOD = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
PLACES = ["n1", "n12", "client-1", "client-2", "server-1"]


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a b", "../a", "a" * 41, "ä"])
def test_a_name_that_cannot_be_a_file_or_namespace_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        names.check_cluster_name(name)


@pytest.mark.parametrize("name", ["a-n1", "a-client-2", "a-server-1"])
def test_a_name_that_a_place_of_another_cluster_could_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="place of another cluster"):
        names.check_cluster_name(name)


@pytest.mark.parametrize("name", ["a", "iptables-1a2b", "n1", "client-1", "0"])
def test_other_names_are_taken(name: str) -> None:
    names.check_cluster_name(name)


def usable(name: str) -> bool:
    try:
        names.check_cluster_name(name)
    except UsageError:
        return False
    return True


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine, too
@given(GOOD.filter(usable), GOOD.filter(usable))
def test_no_namespace_belongs_to_two_clusters(one: str, other: str) -> None:
    every = [
        netns
        for name in {one, other}
        for netns in (names.control_netns(name), *(names.place_netns(name, place) for place in PLACES))
    ]
    assert (
        names.netns_of(one, every)
        == [
            names.control_netns(one),
            *(names.place_netns(one, place) for place in PLACES),
        ]
        or one == other
    )
    assert names.clusters_of(every) == sorted({one, other})


def test_namespaces_of_others_are_left_alone() -> None:
    every = ["rt-a", "rt-a-n1", "rt-a-n1-n1", "rt-ab", "rt-a-x1", "a", "cni-1234", "rt-a-client-1", "rt-a-client-x"]

    assert names.netns_of("a", every) == ["rt-a", "rt-a-n1", "rt-a-client-1"]
    assert "cni-1234" not in names.clusters_of(every)
