"""PTR records: from addresses back to names."""

from __future__ import annotations

import pytest
from dns.reversename import from_address

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.expectations import equal
from fixtures.lookups import looked_up
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("dns.record.ptr")
@pytest.mark.each_family
def test_addresses_lead_back_to_the_service_and_to_the_headless_pods(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“Given an IPv4 Service ClusterIP <a>.<b>.<c>.<d>, a PTR record of the following form must exist … IN PTR
    <service>.<ns>.svc.<zone>.” The same for “an IPv6 Service ClusterIP”, “as a sequence of nibbles in reverse order”.
    “Given a ready endpoint with hostname of <hostname> and … a PTR record of the following form must exist … IN PTR
    <hostname>.<service>.<ns>.svc.<zone>.”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md
    """
    namespace.apply("record_ptr.yaml")
    services = f"{namespace.name}.svc.{cluster.dns_domain}."
    expected = {pod.address: f"{pod.name}.peers.{services}" for pod in namespace.wait_ready()}
    expected[namespace.cluster_ip("web")] = f"web.{services}"
    client = next(iter(pod_vantages.values()))
    for address, name in expected.items():
        answer = looked_up(cluster, client, str(from_address(address)), "PTR")
        equal(f"the name of {address}", [name], answer.answers, [answer])
