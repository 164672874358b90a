"""CNAME records."""

from __future__ import annotations

import pytest

from clusters.provider import Cluster
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.expectations import equal
from fixtures.lookups import looked_up
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


def pointing(service: Object, target: str) -> Object:
    """The manifest's ExternalName Service with another target."""
    return {**service, "spec": {**service["spec"], "externalName": target}}


@feature("dns.record.cname")
def test_an_external_name_is_the_one_cname_record(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“Given a Service named <service> in Namespace <ns> with ExternalName <extname>, a CNAME record named
    <service>.<ns>.svc.<zone> pointing to <extname> must exist.”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#25---records-for-external-name-services
    """
    namespace.apply("record_cname.yaml")
    name = f"elsewhere.{namespace.name}.svc.{cluster.dns_domain}."
    answer = looked_up(cluster, next(iter(pod_vantages.values())), name, "CNAME")
    equal(f"the CNAME records of {name}", ["api.example.com."], answer.answers, [answer])


@feature("dns.record.cname")
@pytest.mark.each_family
def test_an_external_name_within_the_cluster_leads_to_the_address(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“Question Example: foo.default.svc.cluster.local. IN A Answer Example: foo.default.svc.cluster.local. 10 IN CNAME
    www.example.com. www.example.com. 28715 IN A 192.0.2.53”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#25---records-for-external-name-services
    “…the name server includes the CNAME record in the response and restarts the query at the domain name specified in
    the data field of the CNAME record.” https://www.rfc-editor.org/rfc/rfc1034#section-3.6.2
    """
    service, elsewhere = namespace.read("record_cname.yaml")
    target = f"web.{namespace.name}.svc.{cluster.dns_domain}"
    namespace.apply([service, pointing(elsewhere, target)])
    name = f"elsewhere.{namespace.name}.svc.{cluster.dns_domain}."
    client = next(iter(pod_vantages.values()))
    looked_up(cluster, client, f"{target}.", address_record)
    answer = looked_up(cluster, client, name, address_record)
    equal(f"the records of {name}", [f"{target}.", namespace.cluster_ip("web")], answer.answers, [answer])
