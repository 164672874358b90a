"""publishNotReadyAddresses."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered, equal
from fixtures.observations import DnsObservation
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("svc.headless.publish-not-ready")
@pytest.mark.each_family
def test_a_headless_name_shows_unready_pods_where_the_service_publishes_them(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“publishNotReadyAddresses indicates that any agent which deals with endpoints for this Service should disregard
    any indications of ready/not-ready. … all endpoints are considered "ready" even if the Pods themselves are not.”
    The Service beside it, which says nothing of that, has no addresses.
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    """
    namespace.apply("headless_publish_not_ready.yaml")
    pods = await_value(
        namespace.pods,
        lambda pods: len(pods) == 2 and all(pod.address for pod in pods),
        what="two pods with addresses",
        timeout=Timeout.READY,
    )
    equal("the pods that are ready", [], [pod.name for pod in pods if pod.ready])
    addresses = sorted(pod.address for pod in pods)
    client = next(iter(pod_vantages.values()))

    def ask(service: str) -> partial[list[DnsObservation]]:
        name = f"{service}.{namespace.name}.svc.{cluster.dns_domain}."
        return partial(dns, client, name, address_record, server=cluster.dns_address)

    both = "the unready pods to be published"
    converge(ask("published"), lambda seen: len(seen[0].answers) == 2, what=both, timeout=Timeout.DNS)
    for answer in all_answered(ask("published")(count=3)):
        equal("the addresses of the Service that publishes unready pods", addresses, sorted(answer.answers), [answer])
    for answer in all_answered(ask("hidden")(count=3)):
        equal("the addresses of the Service that does not", [], answer.answers, [answer])
    marked = {endpoint.address for endpoint in namespace.endpoints("published") if endpoint.ready}
    equal("the endpoints with condition ready", addresses, sorted(marked))
