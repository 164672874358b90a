"""A pod's hostname and subdomain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.expectations import all_answered, equal, holds
from fixtures.in_pods import run_in
from fixtures.lookups import looked_up
from fixtures.probes import dns
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace, by_name


def told(namespace: Namespace, pod: str, *argv: str) -> str:
    return run_in(namespace, pod, *argv).strip()


@feature("dns.hostname-subdomain")
@pytest.mark.each_family
def test_hostname_and_subdomain_make_a_name_under_the_headless_service(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“If there exists a headless Service in the same namespace as the Pod, with the same name as the subdomain, the
    cluster's DNS Server also returns A and/or AAAA records for the Pod's fully qualified hostname … the first Pod
    will see its own FQDN as "busybox-1.busybox-subdomain.my-namespace.svc.cluster-domain.example"”; “A Pod with no
    hostname but with subdomain will only create the A or AAAA record for the headless Service”.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-hostname-and-subdomain-field
    """
    namespace.apply("hostname_subdomain.yaml")
    pods = namespace.wait_ready()
    service = f"family.{namespace.name}.svc.{cluster.dns_domain}"
    client = next(iter(pod_vantages.values()))
    everybody = looked_up(cluster, client, f"{service}.", address_record, lambda seen: len(seen.answers) == len(pods))
    equal(f"the addresses of {service}", sorted(pod.address for pod in pods), sorted(everybody.answers), [everybody])

    ask = partial(dns, client, record=address_record, server=cluster.dns_address)
    for pod, hostname in (("first", "one"), ("second", "two")):
        name = f"{hostname}.{service}"
        address = by_name(pods, pod).address
        (answer,) = all_answered(ask(f"{name}."))
        equal(f"the addresses of {name}", [address], answer.answers, [answer])
        equal(f"the hostname of pod {pod}", hostname, told(namespace, pod, "hostname"))
        hosts = [line.split() for line in told(namespace, pod, "cat", "/etc/hosts").splitlines()]
        holds([address, name, hostname] in hosts, f"{address} to be {name} in /etc/hosts of pod {pod}", f"{hosts}")
    for pod in ("first", "third"):
        (answer,) = all_answered(ask(f"{pod}.{service}."))
        equal(f"the addresses of {pod}.{service}, which is no hostname", [], answer.answers, [answer])


@feature("dns.hostname-subdomain")
def test_a_pod_may_call_itself_by_its_full_name(
    make_namespace: Callable[..., Namespace], cluster: Cluster, note: Callable[[str, object], None]
) -> None:
    """“When you set setHostnameAsFQDN: true in the Pod spec, the kubelet writes the Pod's FQDN into the hostname for
    that Pod's namespace. In this case, both hostname and hostname --fqdn return the Pod's FQDN.” What the kernel holds
    is 64 characters at the most: the namespace's name is short.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-sethostnameasfqdn-field
    """
    namespace = make_namespace("fqdn")
    full_name = f"one.family.{namespace.name}.svc.{cluster.dns_domain}"
    if len(full_name) > 64:
        pytest.skip(f"{full_name} is longer than the 64 characters of a host name")
    pod = next(item for item in namespace.read("hostname_subdomain.yaml") if item["kind"] == "Pod")
    namespace.apply_object({**pod, "spec": {**pod["spec"], "setHostnameAsFQDN": True}})
    namespace.wait_ready()
    seen = told(namespace, "first", "hostname")
    note("hostname with setHostnameAsFQDN", seen)
    equal("the hostname of the pod", full_name, seen)
