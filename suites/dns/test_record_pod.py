"""Records of a pod's address as a name."""

from __future__ import annotations

import pytest

from clusters.families import Family
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.expectations import equal
from fixtures.lookups import looked_up
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("dns.record.pod")
def test_a_pods_address_with_dashes_is_a_name_of_it(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], family: Family
) -> None:
    """“<a>-<b>-<c>-<d>.<ns>.pod.<zone>. <ttl> IN A <a>.<b>.<c>.<d>” “This behavior is deprecated but is required to
    satisfy this specification.”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#26---deprecated-records
    """
    if family != "IPv4":
        pytest.skip("the specification has such records of IPv4 addresses only")
    namespace.apply("record_pod.yaml")
    (pod,) = namespace.wait_ready()
    name = f"{pod.address.replace('.', '-')}.{namespace.name}.pod.{cluster.dns_domain}."
    answer = looked_up(cluster, next(iter(pod_vantages.values())), name, "A")
    equal(f"the A records of {name}", [pod.address], answer.answers, [answer])
