"""The names of a Service, from its own namespace and from another."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import all_answered, equal
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

CROSSING = ["web.{ns}", "web.{ns}.svc", "web.{ns}.svc.{domain}", "web.{ns}.svc.{domain}."]
"""Forms that name the namespace."""


def neighbour(namespace: Namespace) -> PodVantage:
    """The pod in the Service's own namespace."""
    (pod,) = namespace.wait_ready()
    return PodVantage(
        namespace.api, namespace.name, pod.name, name="pod-in-the-same-namespace", address=pod.address, node=pod.node
    )


def known(namespace: Namespace, cluster: Cluster, client: PodVantage, record: str) -> str:
    """Wait until the cluster's DNS knows the Service, and give its address."""
    address = namespace.cluster_ip("web")
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, record, server=cluster.dns_address)
    converge(ask, lambda seen: bool(seen[0].answers), what=f"{name} to be known", timeout=Timeout.DNS)
    return address


@pytest.mark.smoke
@feature("dns.names")
@pytest.mark.each_family
def test_every_form_of_a_name_resolves_in_the_same_namespace(
    namespace: Namespace, cluster: Cluster, address_record: str
) -> None:
    """“A DNS query for foo … A Pod running in namespace bar can look up this service by simply doing a DNS query for
    foo.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services
    """
    namespace.apply("names.yaml")
    client = neighbour(namespace)
    address = known(namespace, cluster, client, address_record)
    for form in ["web", *CROSSING]:
        name = form.format(ns=namespace.name, domain=cluster.dns_domain)
        (answer,) = all_answered(dns(client, name, address_record, search=True))
        equal(f"the address of {name}, as typed in its namespace", [address], answer.answers, [answer])


@feature("dns.names")
@pytest.mark.each_family
@pytest.mark.needs(Need.ANOTHER_NAMESPACE)
def test_names_cross_namespaces_only_with_the_namespace_in_them(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“DNS queries that don't specify a namespace are limited to the Pod's namespace. Access Services in other
    namespaces by specifying it in the DNS query.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services
    """
    namespace.apply("names.yaml")
    client = next(iter(pod_vantages.values()))
    address = known(namespace, cluster, client, address_record)
    for form in CROSSING:
        name = form.format(ns=namespace.name, domain=cluster.dns_domain)
        (answer,) = all_answered(dns(client, name, address_record, search=True))
        equal(f"the address of {name}, as typed in another namespace", [address], answer.answers, [answer])
    (answer,) = all_answered(dns(client, "web", address_record, search=True))
    equal("the address of the bare name web in another namespace", [], answer.answers, [answer])
