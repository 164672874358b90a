"""appProtocol."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.echo import backend_of
from fixtures.expectations import all_answered, equal
from fixtures.probes import http
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

DECLARED = {"h2c": "kubernetes.io/h2c", "ws": "kubernetes.io/ws", "wss": "kubernetes.io/wss"}
"""Port → what it declares, in the manifest."""


@feature("svc.appprotocol.h2c")
@pytest.mark.each_family
def test_a_port_of_h2c_serves_http_2_without_tls(namespace: Namespace, pod_vantages: dict[str, PodVantage]) -> None:
    """“'kubernetes.io/h2c' - HTTP/2 prior knowledge over cleartext”; kube-proxy passes it through as it is.
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServicePort
    """
    namespace.apply("appprotocol_h2c.yaml")
    namespace.wait_ready()
    ask = partial(http, next(iter(pod_vantages.values())), f"http://{at(namespace.cluster_ip('echo'))}/")
    converge(ask, lambda seen: seen[0].answered, what="port h2c to answer")
    for _ in range(3):
        (answer,) = all_answered(ask(http2=True))
        equal("the protocol of the answer", "2", answer.version, [answer])
        equal("the backend that answers", "echo", backend_of(answer, namespace.name), [answer])


@feature("svc.appprotocol.h2c")
@pytest.mark.each_family
def test_what_a_port_declares_is_kept_and_told_to_whoever_reads_the_endpoints(
    namespace: Namespace, pod_vantages: dict[str, PodVantage]
) -> None:
    """“The appProtocol field provides a way to specify an application protocol for each Service port. This is used as a
    hint for implementations to offer richer behavior for protocols that they understand.” “The value of this field is
    mirrored by the corresponding Endpoints and EndpointSlice objects.” What a port declares changes nothing in what
    kube-proxy carries: the backend of both ports of WebSockets speaks HTTP/1.1 without TLS here.
    https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol
    """
    namespace.apply("appprotocol_h2c.yaml")
    namespace.wait_ready()
    stored = namespace.service("echo")["spec"]["ports"]
    equal("the ports of the Service", DECLARED, {port["name"]: port.get("appProtocol", "") for port in stored})
    of_slices = partial(in_slices, namespace, "echo")
    equal("the ports of its EndpointSlices", DECLARED, await_value(of_slices, bool, what="an EndpointSlice with ports"))
    client, address = next(iter(pod_vantages.values())), at(namespace.cluster_ip("echo"))
    for name, port in (("ws", 81), ("wss", 443)):
        ask = partial(http, client, f"http://{address}:{port}/")
        converge(ask, lambda seen: seen[0].answered, what=f"port {name} to answer")
        for answer in all_answered(ask(count=3)):
            equal("the backend that answers", "echo", backend_of(answer, namespace.name), [answer])


def in_slices(namespace: Namespace, service: str) -> dict[str, str]:
    """What the ports in a Service's EndpointSlices declare."""
    slices = namespace.api.discovery.list_namespaced_endpoint_slice(
        namespace.name, label_selector=f"kubernetes.io/service-name={service}"
    ).items
    return {port.name: port.app_protocol or "" for part in slices for port in part.ports or []}
