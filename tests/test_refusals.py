"""Refusals that are right, and those that are not."""

from __future__ import annotations

import pytest

from fixtures.api import Refusal
from fixtures.refusals import was_refused
from fixtures.verdicts import Mismatch

RIGHT = Refusal(status=422, reason="Invalid", message='spec.clusterIPs: Invalid value: ["192.0.2.53"]: no')


def test_a_refusal_that_names_field_and_value_is_right() -> None:
    assert was_refused(RIGHT, "an address", "spec.clusterIPs", "192.0.2.53") == RIGHT.message


@pytest.mark.parametrize(
    ("refusal", "observed"),
    [
        (None, "the API server took it"),
        (Refusal(status=403, reason="Forbidden", message=RIGHT.message), "status 403"),
        (Refusal(status=422, reason="Invalid", message="metadata.name: Required value"), "metadata.name"),
    ],
    ids=["taken", "another-status", "another-field"],
)
def test_anything_else_is_a_mismatch(refusal: Refusal | None, observed: str) -> None:
    with pytest.raises(Mismatch) as found:
        was_refused(refusal, "an address", "spec.clusterIPs", "192.0.2.53")
    assert observed in found.value.observed
