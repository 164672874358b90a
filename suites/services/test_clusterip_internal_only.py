"""A ClusterIP is for the cluster only."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import all_answered, none_answered
from fixtures.probes import http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace


@feature("svc.clusterip.internal-only")
@pytest.mark.each_family
@pytest.mark.needs(Need.OUTSIDE_CLIENT, Need.NODE_PORTS)
def test_an_outside_client_does_not_reach_a_cluster_ip(
    namespace: Namespace, client_1: Vantage, pod_vantages: dict[str, PodVantage]
) -> None:
    """“ClusterIP: Exposes the Service on a cluster-internal IP. Choosing this value makes the Service only reachable
    from within the cluster.” The same client reaches the same pod by a node port: it is not the client that is cut
    off.
    https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
    """
    namespace.apply("clusterip_internal_only.yaml")
    (pod,) = namespace.wait_ready()
    inside = f"http://{at(namespace.cluster_ip('inside'))}/hostname"
    outside = f"http://{at(pod.node_address)}:{namespace.node_port('outside')}/hostname"
    for client, url in ((pod_vantages[pod.node], inside), (client_1, outside)):
        converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"the pod to answer {client.name}")

    none_answered(http(client_1, inside, count=3, timeout=Timeout.DROP.seconds))
    all_answered(http(pod_vantages[pod.node], inside, count=3))
