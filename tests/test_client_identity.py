"""What a backend was told of the client, read from its echo; and when a Deployment is rolled out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.client_identity import header, last, unfinished
from fixtures.observations import HttpObservation, Outcome


def told(**headers: list[str]) -> HttpObservation:
    named = {name.replace("_", "-"): values for name, values in headers.items()}
    body = json.dumps({"namespace": "ours", "service": "echo", "pod": "echo-1", "headers": named})
    return HttpObservation(
        vantage="client-1", target="t", at=0.0, seconds=0.0, outcome=Outcome.ANSWERED, status=200, body=body
    )


@pytest.mark.parametrize(
    ("lines", "whole", "end"),
    [
        ([], "", ""),
        (["192.0.2.1"], "192.0.2.1", "192.0.2.1"),
        (["192.0.2.66, 192.0.2.1"], "192.0.2.66, 192.0.2.1", "192.0.2.1"),
        (["192.0.2.66", "192.0.2.1"], "192.0.2.66, 192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_header_is_one_list_and_its_end_is_the_nearest(lines: list[str], whole: str, end: str) -> None:
    seen = told(X_Forwarded_For=lines)
    assert header(seen, "x-forwarded-for") == whole
    assert last(seen, "X-Forwarded-For") == end
    assert not header(seen, "Forwarded")


def deployment(generation: int = 2, **status: int) -> dict[str, Any]:
    return {"metadata": {"generation": generation}, "spec": {"replicas": 1}, "status": status}


DONE = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


def test_a_deployment_is_rolled_out_when_only_new_pods_are_there() -> None:
    assert not unfinished(deployment(**DONE))
    assert "not been seen" in unfinished(deployment(generation=3, **DONE))
    for wrong in ({"replicas": 2}, {"updatedReplicas": 0}, {"availableReplicas": 0}):
        assert unfinished(deployment(**{**DONE, **wrong}))
    assert unfinished({"metadata": {"generation": 1}, "spec": {"replicas": 1}})
