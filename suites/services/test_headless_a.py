"""The addresses of a headless Service."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import equal
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("svc.headless.a")
@pytest.mark.each_family
def test_a_headless_name_resolves_to_the_ready_pods_and_follows_them(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“There must be an A record for each ready endpoint of the headless Service.”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#241---a-records
    “A cluster IP is not allocated, kube-proxy does not handle these Services.”
    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """
    namespace.apply("headless_a.yaml")
    namespace.wait_ready()
    equal("the Service's cluster IP", "None", namespace.cluster_ip("web"))
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, next(iter(pod_vantages.values())), name, address_record, server=cluster.dns_address)

    def resolves_to(replicas: int) -> None:
        pods = await_value(
            namespace.pods,
            lambda pods: len(pods) == replicas and all(pod.ready for pod in pods),
            what=f"{replicas} ready pods",
            timeout=Timeout.READY,
        )
        addresses = sorted(pod.address for pod in pods)
        has_them = f"{name} to have {replicas} addresses"
        converge(ask, lambda seen: len(seen[0].answers) == replicas, what=has_them, timeout=Timeout.DNS)
        for answer in ask(count=3):
            equal(f"the addresses of {name} with {replicas} pods", addresses, sorted(answer.answers), [answer])

    resolves_to(3)
    for replicas in (1, 2):
        namespace.scale("web", replicas)
        resolves_to(replicas)
