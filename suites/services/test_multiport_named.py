"""Several ports of one Service."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.api import documents
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by
from fixtures.probes import http
from fixtures.refusals import was_refused
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("svc.multiport.named")
@pytest.mark.each_family
@pytest.mark.parametrize(("port", "target"), [(80, "8080"), (8081, "9090")], ids=["http", "admin"])
def test_each_port_leads_to_its_own_target_port(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], port: int, target: str
) -> None:
    """“Kubernetes lets you configure multiple port definitions on a Service object.”
    https://kubernetes.io/docs/concepts/services-networking/service/#multi-port-services
    """
    namespace.apply("multiport_named.yaml")
    namespace.wait_ready()
    client = next(iter(pod_vantages.values()))
    url = f"http://{at(namespace.cluster_ip('web'))}:{port}/serverport"
    converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"port {port} to answer")
    answered_by(http(client, url, count=10), [target])


@feature("svc.multiport.named")
def test_several_ports_without_names_are_refused(namespace: Namespace) -> None:
    """“When using multiple ports for a Service, you must give all of your ports names so that these are unambiguous.”
    https://kubernetes.io/docs/concepts/services-networking/service/#multi-port-services
    """
    *_, service = documents((namespace.folder / "multiport_named.yaml").read_text(encoding="utf-8"))
    for port in service["spec"]["ports"]:
        del port["name"]
    refusal = namespace.refusal(service)
    was_refused(refusal, "a Service with two ports without names", "spec.ports[0].name", "Required value")
