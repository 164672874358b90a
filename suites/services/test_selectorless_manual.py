"""Services without a selector."""

from __future__ import annotations

import json
from functools import partial

import pytest

from clusters.families import at, family_of
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered, equal
from fixtures.probes import http
from fixtures.servers import WebServer
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


def for_server(namespace: Namespace, server: WebServer) -> list[Object]:
    """The manifest with the outside server's address and port in the place of the documentation's."""
    text = (namespace.folder / "selectorless_manual.yaml").read_text(encoding="utf-8")
    text = text.replace("192.0.2.53", f'"{server.address}"').replace("port: 8080", f"port: {server.port}")
    return documents(text.replace("addressType: IPv4", f"addressType: {family_of(server.address)}"))


def reaches(namespace: Namespace, client: PodVantage, service: str, server: WebServer) -> None:
    url = f"http://{at(namespace.cluster_ip(service))}:80/"
    converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"{service} to answer")
    for page in all_answered(http(client, url, count=5)):
        equal("who answers", "outside", json.loads(page.body)["server"], [page])


@feature("svc.selectorless.manual")
@pytest.mark.each_family
def test_a_hand_made_endpoint_slice_is_served(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], web_server: WebServer
) -> None:
    """“You can map the Service to the network address and port where it's running, by adding an EndpointSlice object
    manually.” The port is mapped: 80 to the server's own.
    https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
    """
    service, endpoint_slice, *_ = for_server(namespace, web_server)
    namespace.apply_object(service)
    namespace.apply_object(endpoint_slice)
    reaches(namespace, next(iter(pod_vantages.values())), "by-slice", web_server)


@feature("svc.selectorless.manual")
@pytest.mark.each_family
def test_legacy_endpoints_are_mirrored_and_served(
    namespace: Namespace, pod_vantages: dict[str, PodVantage], web_server: WebServer
) -> None:
    """“The control plane mirrors most Endpoints objects … to EndpointSlices.”
    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring
    """
    *_, service, endpoints = for_server(namespace, web_server)
    namespace.apply_object(service)
    namespace.apply_object(endpoints)
    mirrored = await_value(
        partial(namespace.endpoints, "by-endpoints"),
        bool,
        what="the Endpoints object to be mirrored to an EndpointSlice",
    )
    equal("the mirrored addresses", [web_server.address], [endpoint.address for endpoint in mirrored])
    reaches(namespace, next(iter(pod_vantages.values())), "by-endpoints", web_server)
