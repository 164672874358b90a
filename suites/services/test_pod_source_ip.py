"""The source address that a pod behind a cluster IP sees."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import sources_are
from fixtures.probes import http
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("svc.pod-source-ip")
@pytest.mark.each_family
def test_a_pod_s_own_address_reaches_the_pod_behind_a_cluster_ip(
    namespace: Namespace, pod_vantages: dict[str, PodVantage]
) -> None:
    """“Packets sent to ClusterIP from within the cluster are never source NAT'd if you're running kube-proxy in
    iptables mode … The client_address is always the client pod's IP address, whether the client pod and server pod are
    in the same node or in different nodes.”
    https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-clusterip
    The other modes do so only when told: “masqueradeAll tells kube-proxy to SNAT all traffic sent to Service cluster
    IPs, when using the nftables mode.” https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
    """
    namespace.apply("pod_source_ip.yaml")
    namespace.wait_ready()
    url = f"http://{at(namespace.cluster_ip('web'))}/clientip"
    for client in pod_vantages.values():
        converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"the Service to answer {client.name}")
        sources_are(http(client, url, count=5), [client.address])
