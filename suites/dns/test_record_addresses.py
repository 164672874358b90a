"""A and AAAA records."""

from __future__ import annotations

import pytest

from clusters.families import ADDRESS_RECORD, family_of
from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.expectations import all_answered, equal
from fixtures.lookups import looked_up
from fixtures.probes import dns
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("dns.record.a-aaaa")
@pytest.mark.each_family
def test_a_service_of_one_family_has_one_address_and_no_record_of_the_other_type(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“"Normal" (not headless) Services are assigned DNS A and/or AAAA records, depending on the IP family or families
    of the Service … This resolves to the cluster IP of the Service.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#a-aaaa-records
    A name that exists without records of the type is “the RCODE set to NOERROR and no relevant answers”, not NXDOMAIN,
    which would deny the other type too. https://www.rfc-editor.org/rfc/rfc2308#section-2.2
    """
    namespace.apply("record_addresses.yaml")
    client = next(iter(pod_vantages.values()))
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    answer = looked_up(cluster, client, name, address_record)
    equal(f"the {address_record} records of {name}", [namespace.cluster_ip("web")], answer.answers, [answer])
    (other,) = {"A", "AAAA"} - {address_record}
    for empty in all_answered(dns(client, name, other, server=cluster.dns_address, count=3)):
        equal(f"code and {other} records of {name}", ("NOERROR", []), (empty.rcode, empty.answers), [empty])


@feature("dns.record.a-aaaa")
@pytest.mark.needs(Need.DUAL_STACK)
def test_a_service_of_both_families_has_an_address_of_each(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“Services are assigned DNS A and/or AAAA records, depending on the IP family or families of the Service”.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#a-aaaa-records
    """
    (service,) = namespace.read("record_addresses.yaml")
    namespace.apply_object({**service, "spec": {**service["spec"], "ipFamilyPolicy": "RequireDualStack"}})
    client = next(iter(pod_vantages.values()))
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    for address in namespace.service("web")["spec"]["clusterIPs"]:
        record = ADDRESS_RECORD[family_of(address)]
        answer = looked_up(cluster, client, name, record)
        equal(f"the {record} records of {name}", [address], answer.answers, [answer])
