"""Refusals that are right, and those that are not."""

from __future__ import annotations

import json

import pytest
from kubernetes.client.exceptions import ApiException

from fixtures.api import Refusal
from fixtures.refusals import arranging, was_refused
from fixtures.verdicts import ArrangementError, Mismatch

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


def refused(message: str, status: int = 500) -> ApiException:
    error = ApiException(status=status, reason="Internal Server Error")
    error.body = json.dumps({"kind": "Status", "reason": "InternalError", "message": message})
    return error


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ('Internal error occurred: failed to allocate a serviceIP for Service "web": range is full', "cluster IPs"),
        ("Internal error occurred: failed to allocate a nodePort: range is full", "--service-node-port-range"),
        ("spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated", ""),
    ],
    ids=["no-cluster-ip", "no-node-port", "another"],
)
def test_a_refusal_while_something_is_put_in_place_is_ours_in_the_server_s_words_with_a_cure(
    words: str, cure: str
) -> None:
    with pytest.raises(ArrangementError) as found, arranging("Service web of ns"):
        raise refused(words)
    assert found.value.cause == f"The API server refused Service web of ns: {words}."
    assert cure in found.value.cure
    assert bool(cure) == bool(found.value.cure)


def test_an_answer_that_is_not_the_api_server_s_is_told_as_it_is() -> None:
    error = ApiException(status=502, reason="Bad Gateway")
    error.body = "<html>: bad\n\tgateway: [</html>"
    with pytest.raises(ArrangementError, match="bad\n\tgateway"), arranging("Service web of ns"):
        raise error
