"""The names of a StatefulSet's pods."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import answered_by, equal
from fixtures.probes import dns, http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace, Pod, by_name


@feature("svc.headless.stateful")
@pytest.mark.each_family
def test_a_stateful_pods_name_leads_to_it_and_follows_it(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“As each Pod is created, it gets a matching DNS subdomain, taking the form: $(podname).$(governing service
    domain)”; the identity “sticks to the Pod, regardless of which node it's (re)scheduled on.”
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id
    """
    namespace.apply("headless_stateful.yaml")
    client = next(iter(pod_vantages.values()))

    def leads_to(pod: Pod) -> None:
        name = f"{pod.name}.web.{namespace.name}.svc.{cluster.dns_domain}."
        ask = partial(dns, client, name, address_record, server=cluster.dns_address)
        is_found = f"{name} to resolve to {pod.address}"
        converge(ask, lambda seen: seen[0].answers == [pod.address], what=is_found, timeout=Timeout.DNS)
        for answer in ask(count=3):
            equal(f"the address of {name}", [pod.address], answer.answers, [answer])
        answered_by(http(client, f"http://{name}:8080/hostname", count=3), [pod.name])

    for pod in namespace.wait_ready():
        leads_to(pod)
    before = by_name(namespace.pods(), "web-0").address
    namespace.delete("v1", "Pod", "web-0")
    pods = await_value(
        namespace.pods,
        lambda pods: any(pod.name == "web-0" and pod.ready and pod.address != before for pod in pods),
        what=f"web-0 to be made anew with another address than {before}",
        timeout=Timeout.READY,
    )
    leads_to(by_name(pods, "web-0"))
