"""A rolling update while requests come in."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import holds, said
from fixtures.probes import http
from fixtures.steady import Stream, no_loss
from fixtures.vantages import NetnsVantage, Vantage
from fixtures.workloads import Namespace


@feature("svc.rolling-update.zero-loss")
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_rolling_update_with_probes_and_a_pre_stop_pause_loses_no_request(
    namespace: Namespace,
    nodes: list[Place],
    client_1: Vantage,
    pod_networks: dict[str, NetnsVantage],
    steady: Callable[..., AbstractContextManager[Stream]],
) -> None:
    """“Rolling updates allow Deployments' update to take place with zero downtime by incrementally updating Pods
    instances with new ones.” https://kubernetes.io/docs/tutorials/kubernetes-basics/update/update-intro/
    """
    namespace.apply("rolling_update.yaml")
    before = {pod.name for pod in namespace.wait_ready()}
    outside = f"http://{at(nodes[-1].address)}:{namespace.node_port('web')}/hostname"
    inside = f"http://{at(namespace.cluster_ip('web'))}/hostname"
    pod = next(iter(pod_networks.values()))
    for vantage, url in ((client_1, outside), (pod, inside)):
        converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=f"{url} to answer")
    with steady(client_1, outside) as from_outside, steady(pod, inside) as from_the_pod:
        streams = (from_outside, from_the_pod)
        for stream in streams:
            stream.await_answers(25)
            stream.mark("the rollout begins")
        touched = {"spec": {"template": {"metadata": {"annotations": {"rolled-out": str(time.time())}}}}}
        namespace.patch("apps/v1", "Deployment", "web", touched)
        after = {pod.name for pod in namespace.wait_ready()}
        for stream in streams:
            stream.mark("every new pod is ready, every old one told to end")
            # Old pods serve for the time of their pause; afterwards only the new ones can.
            stream.await_seen(
                lambda seen: len(seen) > 50 and {said(one) for one in seen[-50:]} <= after,
                what="the old pods to serve no more",
            )
    holds(not before & after, "every pod to be replaced", f"{', '.join(before & after)} stayed")
    for stream, which in zip(streams, ("from outside", "from a pod"), strict=True):
        no_loss(stream, f"{which} during the rolling update")
