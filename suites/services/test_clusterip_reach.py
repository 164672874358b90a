"""A ClusterIP reaches every ready pod at its target port."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.expectations import answered_by
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

N = 40
"""Requests from each node. A right proxy leaves one of three pods out of 40 with probability 3·(2/3)^40 < 3e-7."""


@pytest.mark.smoke
@feature("svc.clusterip.reach")
@pytest.mark.each_family
@pytest.mark.parametrize(
    ("service", "port"), [("by-number", 80), ("by-name", 8000)], ids=["target-port-number", "target-port-name"]
)
def test_a_cluster_ip_reaches_every_ready_pod(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], service: str, port: int
) -> None:
    """“A Service can map any incoming port to a targetPort”; “Port definitions in Pods have names, and you can
    reference these names in the targetPort attribute of a Service.”
    https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """
    namespace.apply("clusterip_reach.yaml")
    pods = {pod.name for pod in namespace.wait_ready()}
    url = f"http://{at(namespace.cluster_ip(service))}:{port}/hostname"
    all_answer = partial(answered_by, names=pods)
    for client in pod_vantages.values():
        settle(partial(http, client, url, count=20), all_answer)
        all_answer(http(client, url, count=N))
