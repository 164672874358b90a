"""Pods that turn unready and ready again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.expectations import answered_by, equal
from fixtures.in_pods import run_in
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

N = 30
"""Requests. A proxy that still chose between both pods would pass with probability (1/2)^30 < 1e-9."""


@pytest.mark.smoke
@feature("ep.readiness")
@pytest.mark.each_family
def test_an_unready_pod_gets_no_traffic_until_it_is_ready_again(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], note: Callable[[str, object], None]
) -> None:
    """“If the readiness probe returns a failed state, Kubernetes removes the pod from all matching service endpoints.”
    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/#readiness-probe
    """
    namespace.apply("readiness.yaml")
    first, second = (pod.name for pod in namespace.wait_ready())
    client = next(iter(pod_vantages.values()))
    ask = partial(http, client, f"http://{at(namespace.cluster_ip('web'))}/hostname", count=N)

    def only(serving: set[str]) -> None:
        by_them = partial(answered_by, names=serving)
        began = time.monotonic()
        settle(ask, by_them)
        note(f"seconds until only {' and '.join(sorted(serving))}", round(time.monotonic() - began, 1))
        by_them(ask())
        ready = {endpoint.pod for endpoint in namespace.endpoints("web") if endpoint.ready}
        equal("the endpoints with condition ready", serving, ready)

    only({first, second})
    # The probe asks every second, and one failure counts.
    run_in(namespace, first, "touch", "/tmp/unready")
    only({second})
    run_in(namespace, first, "rm", "/tmp/unready")
    only({first, second})
