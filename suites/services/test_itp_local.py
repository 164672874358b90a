"""internalTrafficPolicy: Local."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, none_answered
from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.verdicts import unsupported
from fixtures.workloads import Namespace

N = 20
"""Requests from each node. A proxy that chose between both pods would pass with probability (1/2)^20 < 1e-6."""


@feature("svc.itp.local")
@pytest.mark.each_family
def test_local_policy_keeps_traffic_on_the_node_or_drops_it(
    namespace: Namespace, mode: str, pod_vantages: dict[str, PodVantage]
) -> None:
    """“Set the field to … Local to only route to ready node-local endpoints. If the traffic policy is Local and there
    are no node-local endpoints, traffic is dropped by kube-proxy.” In ipvs mode the kernel tells the sender so.
    https://kubernetes.io/docs/reference/networking/virtual-ips/#internal-traffic-policy
    """
    if len(pod_vantages) < 3:
        unsupported(f"needs 3 nodes that take pods, and this cluster has {len(pod_vantages)}", source="")
    namespace.apply("itp_local.yaml")
    pod_on = {pod.node: pod for pod in namespace.wait_ready()}
    dropped = Outcome.REFUSED if mode == "ipvs" else Outcome.TIMEOUT
    url = f"http://{at(namespace.cluster_ip('web'))}/hostname"
    for node, client in sorted(pod_vantages.items(), key=lambda item: item[0] not in pod_on):
        if node in pod_on:
            converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"the pod on {node} to answer")
            answered_by(http(client, url, count=N), [pod_on[node].name])
        else:
            ask = partial(http, client, url, timeout=Timeout.DROP.seconds)
            is_dropped = f"{node}, which has no pod, to drop the request ({dropped})"
            converge(ask, lambda seen: seen[0].outcome is dropped, what=is_dropped, successes=1)
            none_answered(ask(count=3), outcomes={dropped})
