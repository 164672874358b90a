"""The timeline of endpoints, from the events of a watch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.slices import Conditions, Timeline
from fixtures.verdicts import ArrangementError

READY = Conditions(ready=True, serving=True, terminating=False)
ENDING = Conditions(ready=False, serving=True, terminating=True)


def endpoint_slice(name: str, **pods: tuple[bool | None, bool | None, bool | None]) -> SimpleNamespace:
    """As the API's client tells of one: pod → ready, serving, terminating."""
    endpoints = [
        SimpleNamespace(
            target_ref=SimpleNamespace(name=pod),
            conditions=SimpleNamespace(ready=ready, serving=serving, terminating=terminating),
        )
        for pod, (ready, serving, terminating) in pods.items()
    ]
    return SimpleNamespace(metadata=SimpleNamespace(name=name), endpoints=endpoints)


def states(seen: Timeline, pod: str) -> list[Conditions | None]:
    return [state for _, state in seen.of(pod)]


def test_each_state_of_a_pod_is_told_once() -> None:
    seen = Timeline()
    seen.see("ADDED", endpoint_slice("one", web=(True, True, False)))
    seen.see("MODIFIED", endpoint_slice("one", web=(None, None, None), other=(True, True, False)))
    seen.see("MODIFIED", endpoint_slice("one", web=(False, True, True)))
    seen.see("DELETED", endpoint_slice("one", web=(False, True, True)))
    assert states(seen, "web") == [READY, ENDING, None]
    assert states(seen, "other") == [READY, None]
    assert seen.now("web") is None


def test_a_pod_that_moves_to_another_slice_has_not_changed() -> None:
    seen = Timeline()
    seen.see("ADDED", endpoint_slice("one", web=(True, True, False)))
    seen.see("ADDED", endpoint_slice("two", web=(True, True, False)))
    seen.see("MODIFIED", endpoint_slice("one"))
    assert states(seen, "web") == [READY]


def test_a_watch_that_ended_tells_of_nothing() -> None:
    seen = Timeline()
    seen.end("ApiException: Gone")
    with pytest.raises(ArrangementError, match="Gone"):
        seen.now("web")
