"""The health-check node port."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import equal, holds
from fixtures.observations import HttpObservation
from fixtures.probes import http
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


def health(answer: HttpObservation) -> tuple[int, int]:
    """The status, and the count of local endpoints that the answer tells; -1 where there is no answer."""
    return answer.status, json.loads(answer.body)["localEndpoints"] if answer.answered else -1


def tells(expected: tuple[int, int], seen: Sequence[HttpObservation]) -> bool:
    return health(seen[0]) == expected


@feature("svc.healthcheck-nodeport")
@pytest.mark.each_family
@pytest.mark.needs(Need.TWO_NODES, Need.NODE_PORTS)
def test_the_health_check_counts_a_nodes_endpoints_and_follows_moved_pods(
    namespace: Namespace, nodes: list[Place], client_1: Vantage
) -> None:
    """“External systems (e.g. load-balancers) can use this port to determine if a given node holds endpoints for this
    service or not.” https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    Nodes without endpoints are taken out “by deliberately failing health checks”.
    https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-loadbalancer
    """
    namespace.apply("healthcheck_nodeport.yaml")
    pods = namespace.wait_ready()
    port = namespace.service("web")["spec"].get("healthCheckNodePort", 0)
    holds(port > 0, "the Service to get a health-check node port", "it has none")

    def is_told(holder: str) -> None:
        for node in nodes:
            expected = (200, len(pods)) if node.name == holder else (503, 0)
            ask = partial(http, client_1, f"http://{at(node.address)}:{port}/healthz")
            says = f"{node.name}'s health check (status, endpoints)"
            converge(ask, partial(tells, expected), what=f"{says} to be {expected}")
            for answer in ask(count=5):
                equal(says, expected, health(answer), [answer])

    first = pods[0].node
    is_told(first)
    second = next(node.name for node in nodes if node.name != first)
    move = {"affinity": None, "nodeSelector": {"kubernetes.io/hostname": second}}
    namespace.patch("apps/v1", "Deployment", "web", {"spec": {"template": {"spec": move}}})
    is_told(second)
