"""Routes fitted to a namespace, judgements over who served, certificates: each with a wrong and a right miniature."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from clusters.controllers.description import ControllerDescription, describe
from fixtures import timeouts
from fixtures.api import Api
from fixtures.certificates import fingerprint, self_signed
from fixtures.controller_evidence import LONG, cut, cut_blocks
from fixtures.controllers import Controller
from fixtures.echo import backend_of, echo_of
from fixtures.observations import HttpObservation, Outcome
from fixtures.routes import Routes, at, fitted, host_in, settled, with_port
from fixtures.served import not_served, served_by, share_served
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import ArrangementError, Mismatch, Unsupported
from fixtures.workloads import Namespace
from tests.miniatures.http import http_server, reply
from tests.miniatures.ports import refusing_port
from tests.vantages import HERE


class NoApi(Api):
    """Judgements need a namespace's name, and nothing of the cluster."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def namespace(tmp_path: object) -> Namespace:
    return Namespace(NoApi(), "ours", tmp_path)  # type: ignore[arg-type]


def answer(service: str, namespace: str = "ours", status: int = 200) -> HttpObservation:
    body = json.dumps({"path": "/", "host": "h", "namespace": namespace, "service": service, "pod": f"{service}-1"})
    return observation(status=status, body=body)


def observation(
    *, status: int = 200, body: str = "", outcome: Outcome = Outcome.ANSWERED, detail: str = ""
) -> HttpObservation:
    return HttpObservation(
        vantage="client-1",
        target="http://shop.ours.example/",
        at=0.0,
        seconds=0.001,
        outcome=outcome,
        detail=detail,
        status=status,
        body=body,
    )


NOT_FOUND = observation(status=404, body="404 page not found")


def test_an_echo_is_read_and_anything_else_is_not() -> None:
    echo = echo_of(answer("shop"))
    assert echo is not None
    assert (echo.namespace, echo.service, echo.pod) == ("ours", "shop", "shop-1")
    assert echo_of(observation(body="{}")) is None
    assert echo_of(observation(body="hello")) is None
    assert echo_of(answer("shop", status=503)) is None


def test_a_strangers_backend_is_no_backend_of_ours() -> None:
    assert backend_of(answer("shop"), "ours") == "shop"
    assert backend_of(answer("shop", "theirs"), "ours") == ""


def test_served_by_wants_this_backend(namespace: Namespace) -> None:
    served_by(answer("shop"), namespace, "shop")
    for wrong in (answer("other"), answer("shop", "theirs"), NOT_FOUND):
        with pytest.raises(Mismatch, match="to be answered by backend shop"):
            served_by(wrong, namespace, "shop")


def test_not_served_wants_an_answer_from_nobody_of_ours(namespace: Namespace) -> None:
    not_served(NOT_FOUND, namespace)
    not_served(answer("shop", "theirs"), namespace)
    with pytest.raises(Mismatch, match=r"backend shop .* answered"):
        not_served(answer("shop"), namespace)
    with pytest.raises(Mismatch, match="refused"):
        not_served(observation(outcome=Outcome.REFUSED, status=0, detail="refused"), namespace)


def test_not_served_minds_the_status_where_one_is_named(namespace: Namespace) -> None:
    not_served(NOT_FOUND, namespace, status=404)
    with pytest.raises(Mismatch, match="HTTP 404"):
        not_served(observation(status=503), namespace, status=404)
    with pytest.raises(Mismatch, match="HTTP 404"):
        not_served(answer("shop", "theirs"), namespace, status=404)


def test_shares_are_counted_by_backend(namespace: Namespace) -> None:
    right = [answer("canary")] * 100 + [answer("stable")] * 900
    assert share_served(right, namespace, "canary", 0.1, others=["stable"]).holds
    wrong = [answer("canary")] * 200 + [answer("stable")] * 800
    assert not share_served(wrong, namespace, "canary", 0.1, others=["stable"]).holds


def test_one_request_is_enough_to_refute_a_weight_of_zero(namespace: Namespace) -> None:
    seen = [answer("stable")] * 999
    assert share_served([*seen, answer("stable")], namespace, "canary", 0.0, others=["stable"]).holds
    assert not share_served([*seen, answer("canary")], namespace, "canary", 0.0, others=["stable"]).holds


def test_a_share_with_a_lost_request_is_a_mismatch(namespace: Namespace) -> None:
    with pytest.raises(Mismatch, match="1 were not"):
        share_served([answer("stable"), NOT_FOUND], namespace, "canary", 0.0, others=["stable"])


MANIFESTS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  ingressClassName: under-test
  tls: [{hosts: [shop.example], secretName: s}]
  rules:
    - host: shop.example
    - host: "*.wild.example"
    - http: {paths: []}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: b}
spec: {ingressClassName: of-another-controller, rules: [{host: shop.test}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: c}
spec: {gatewayClassName: under-test, listeners: [{name: http, port: 80, hostname: shop.example}, {name: any, port: 81}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: d}
spec: {hostnames: [shop.example]}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: e}
spec: {configPatches: [{match: {vhost: {name: "shop.example:80"}}, patch: {to: "https://shop.example.org/", size: 8}}]}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: f}
spec: {virtualhost: {fqdn: shop.example}, routes: [{services: [{name: example, port: 80}]}]}
"""


def test_objects_get_the_controllers_class_and_the_namespaces_hosts() -> None:
    given = list(yaml.safe_load_all(MANIFESTS))
    ingress, foreign, gateway, route, filters, proxy = (fitted(found, "ns", "traefik") for found in given)
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert [rule.get("host") for rule in ingress["spec"]["rules"]] == ["shop.ns.example", "*.wild.ns.example", None]
    assert ingress["spec"]["tls"][0]["hosts"] == ["shop.ns.example"]
    assert foreign["spec"] == {"ingressClassName": "of-another-controller", "rules": [{"host": "shop.test"}]}
    assert gateway["spec"]["gatewayClassName"] == "traefik"
    assert [listener.get("hostname") for listener in gateway["spec"]["listeners"]] == ["shop.ns.example", None]
    assert route["spec"]["hostnames"] == ["shop.ns.example"]
    (patch,) = filters["spec"]["configPatches"]
    assert patch["match"] == {"vhost": {"name": "shop.ns.example:80"}}
    assert patch["patch"] == {"to": "https://shop.example.org/", "size": 8}
    services = [{"services": [{"name": "example", "port": 80}]}]
    assert proxy["spec"] == {"virtualhost": {"fqdn": "shop.ns.example"}, "routes": services}
    assert given == list(yaml.safe_load_all(MANIFESTS)), "the given objects are kept"


def test_places_are_host_and_path() -> None:
    assert host_in("ns", "shop.example") == "shop.ns.example"
    assert host_in("ns", "shop.test") == "shop.test"
    assert at("shop.example") == ("shop.example", "/")
    assert at("shop.example/a/b") == ("shop.example", "/a/b")


def bare(**claims: Any) -> Controller:
    found = ControllerDescription(
        name="bare",
        title="Bare",
        documentation="https://bare.example/docs",
        component="bare",
        image="bare:1",
        namespace="bare",
        deployments=["bare"],
        service="bare",
        **claims,
    )
    return Controller(description=found, address="172.30.0.200")


def test_an_api_that_a_controller_does_not_claim_is_unsupported_with_its_documentation() -> None:
    controller = bare()
    for claim in (controller.ingress, controller.gateway, controller.canary_by_ingress, controller.canary_by_gateway):
        with pytest.raises(Unsupported) as raised:
            claim()
        assert raised.value.source == "https://bare.example/docs"


def test_what_a_controllers_folder_does_not_say_was_not_looked_up_and_is_skipped() -> None:
    traefik = describe("traefik")
    controller = bare(ingress=traefik.ingress, gateway=traefik.gateway)
    silent: dict[str, Callable[[], object]] = {
        "[canary.ingress]": controller.canary_by_ingress,
        "[canary.gateway]": controller.canary_by_gateway,
        "[client_identity]": controller.client_identity,
        "[proxy_protocol]": controller.proxy_protocol,
    }
    for part, claim in silent.items():
        with pytest.raises(pytest.skip.Exception) as raised:
            claim()
        assert str(raised.value).startswith("Bare: nobody has looked up yet whether it ")
        assert f"; {part} in its folder would say it (docs/add-a-controller.md)." in str(raised.value)


def test_what_a_controller_claims_is_given() -> None:
    controller = Controller(description=describe("traefik"), address="172.30.0.200")
    assert controller.ingress().class_name == "traefik"
    assert controller.gateway().class_name == "traefik"
    assert controller.canary_by_ingress().class_name == "traefik-nginx-annotations"
    assert controller.canary_by_gateway().source.startswith("https://")


def test_two_certificates_for_one_host_differ_by_fingerprint() -> None:
    first, second = self_signed("shop.example"), self_signed("shop.example")
    assert fingerprint(first.certificate) == fingerprint(first.certificate)
    assert fingerprint(first.certificate) != fingerprint(second.certificate)
    assert fingerprint("") == ""


def test_a_certificate_can_be_made_for_a_long_host() -> None:
    assert "BEGIN CERTIFICATE" in self_signed("a" * 60 + ".rt-1234-tls-secret-abcdef.example").certificate


def test_evidence_keeps_what_names_the_namespace() -> None:
    told = {
        "routers": {"ours-a": {"rule": "x"}, "theirs": {"rule": "y"}, "c": {"rule": "Host(ours)"}},
        "n": [1, "ours"],
    }
    assert cut(told, ["ours"]) == {"routers": {"ours-a": {"rule": "x"}, "c": {"rule": "Host(ours)"}}, "n": ["ours"]}
    assert cut({"a": "theirs"}, ["ours"]) == {}
    long = {"hosts": [{"name": "ours"}, {"name": "theirs", "routes": "x" * LONG}], "version": 1}
    assert cut({"configs": [long]}, ["ours"]) == {"configs": [{"hosts": [{"name": "ours"}]}]}


NGINX = """http {
\tmap $a $b {
\t\tdefault 1;
\t}
\tserver {
\t\tlocation / {
\t\t\tset $namespace "ours";
\t\t}
\t}
\tserver {
\t\tset $namespace "theirs";
\t}
}
"""


def test_a_configuration_in_braces_is_cut_to_the_blocks_that_name_the_namespaces() -> None:
    assert cut_blocks(NGINX, ["ours"]) == '\tserver {\n\t\tlocation / {\n\t\t\tset $namespace "ours";\n\t\t}\n\t}'
    assert cut_blocks(NGINX, ["nobody's"]) == ""


class Stage:
    """Stands for a namespace: remembers what is applied, and has endpoints for the Services it is told to."""

    def __init__(self, *, with_endpoints: set[str]) -> None:
        self.name = "ns"
        self.api = self.discovery = self
        self.with_endpoints = with_endpoints
        self.put: list[str] = []

    def read(self, _manifest: str) -> list[dict[str, Any]]:
        return list(yaml.safe_load_all(STAGED))

    def apply_object(self, manifest: dict[str, Any]) -> None:
        self.put.append(f"{manifest['kind']} {manifest['metadata']['name']}")

    def list_namespaced_endpoint_slice(self, _name: str) -> Any:
        def part(service: str, ready: bool) -> Any:
            labels = {"kubernetes.io/service-name": service}
            endpoint = SimpleNamespace(conditions=SimpleNamespace(ready=ready))
            return SimpleNamespace(metadata=SimpleNamespace(labels=labels), endpoints=[endpoint])

        return SimpleNamespace(items=[part(name, name in self.with_endpoints) for name in ("one", "two")])

    def wait_ready(self) -> None:
        self.put.append("ready")

    def delete(self, _version: str, _kind: str, name: str) -> None:
        self.put.append(f"deleted {name}")


STAGED = """
{apiVersion: v1, kind: Ingress, metadata: {name: first}, spec: {ingressClassName: under-test}}
---
{apiVersion: v1, kind: Service, metadata: {name: one}}
---
{apiVersion: v1, kind: HTTPRoute, metadata: {name: second}, spec: {}}
---
{apiVersion: v1, kind: Service, metadata: {name: two}}
"""


def staged(stage: Stage) -> Routes:
    return Routes(stage, None, class_name="traefik", ready={})  # type: ignore[arg-type]


def test_routes_are_put_in_after_their_backends_have_endpoints() -> None:
    stage = Stage(with_endpoints={"one", "two"})
    staged(stage).arrange("any.yaml")
    assert stage.put == ["Service one", "Service two", "Ingress first", "HTTPRoute second", "ready"]


def test_routes_are_not_put_in_while_a_backend_has_no_ready_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "_scale", {"factor": 0.001})
    stage = Stage(with_endpoints={"one"})
    with pytest.raises(ArrangementError, match="No ready endpoints for two"):
        staged(stage).arrange("any.yaml")
    assert stage.put == ["Service one", "Service two"]


@pytest.mark.parametrize(
    ("told", "over"),
    [
        ({}, False),
        ({"Accepted": ("Unknown", "Pending"), "Programmed": ("Unknown", "Pending")}, False),
        ({"Accepted": ("True", "Accepted"), "Programmed": ("False", "AddressNotAssigned")}, False),
        ({"Accepted": ("True", "Accepted"), "Programmed": ("True", "Programmed")}, True),
        ({"Accepted": ("True", "Accepted"), "Programmed": ("False", "Invalid")}, True),
        ({"Accepted": ("True", "ListenersNotValid"), "Programmed": ("False", "ListenersNotValid")}, True),
        ({"Accepted": ("False", "InvalidParameters")}, True),
    ],
    ids=["nothing", "pending", "no address yet", "programmed", "invalid", "listeners", "refused"],
)
def test_a_gateway_is_waited_for_until_it_is_in_force_or_never_will_be(
    told: dict[str, tuple[str, str]], over: bool
) -> None:
    parts = [{"type": name, "status": status, "reason": reason} for name, (status, reason) in told.items()]
    assert settled({"conditions": parts}) is over


def test_only_gateways_of_the_controller_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(with_endpoints=set())
    asked: list[str] = []

    def read(_manifest: str) -> list[dict[str, Any]]:
        return [
            {"kind": "Gateway", "metadata": {"name": name}, "spec": {"gatewayClassName": class_name}}
            for name, class_name in (("ours", "under-test"), ("theirs", "another"))
        ]

    def get(_api_version: str, _kind: str, name: str, _namespace: str) -> dict[str, Any]:
        asked.append(name)
        status = "True" if len(asked) > 1 else "Unknown"
        return {"status": {"conditions": [{"type": "Programmed", "status": status, "reason": "any"}]}}

    monkeypatch.setattr(stage, "read", read)
    monkeypatch.setattr(stage, "get", get, raising=False)
    staged(stage).arrange("any.yaml")
    assert asked == ["ours", "ours"]


@pytest.mark.parametrize(
    ("ports", "tls", "entrance"),
    [
        pytest.param((80, 443), False, ("http://192.0.2.1:80/a", "shop.ours.example"), id="plain"),
        pytest.param((80, 443), True, ("https://192.0.2.1:443/a", "shop.ours.example"), id="tls"),
        pytest.param((80, 8443), True, ("https://192.0.2.1:8443/a", "shop.ours.example:8443"), id="a-port-of-its-own"),
    ],
)
def test_a_stream_enters_by_the_address_and_asks_for_the_host(
    namespace: Namespace, ports: tuple[int, int], tls: bool, entrance: tuple[str, str]
) -> None:
    client: Any = None
    routes = Routes(namespace, client, class_name="traefik", address="192.0.2.1", ports=ports, ready={})
    assert routes.entrance("shop.example", "/a", tls=tls) == entrance


def test_a_route_to_a_gateway_elsewhere_names_its_namespace() -> None:
    stage = Stage(with_endpoints=set())
    routes = Routes(stage, None, class_name="c", gateway="edge", gateway_namespace="theirs", ready={})  # type: ignore[arg-type]
    route = {"kind": "HTTPRoute", "spec": {"parentRefs": [{"name": "edge"}, {"name": "another"}]}}
    assert routes.fit(route)["spec"]["parentRefs"] == [{"name": "edge", "namespace": "theirs"}, {"name": "another"}]
    own = Routes(stage, None, class_name="c", gateway="edge", ready={})  # type: ignore[arg-type]
    assert own.fit(route)["spec"]["parentRefs"] == [{"name": "edge", "namespace": stage.name}, {"name": "another"}]


def test_hosts_are_below_the_domain_that_is_given() -> None:
    routes = Routes(
        Stage(with_endpoints=set()),  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        class_name="c",
        domain="file.ns",
        ports=(8000, 443),
        ready={},
    )
    assert routes.host("shop.example") == "shop.file.ns.example"
    assert routes.url("shop.example", "/a") == "http://shop.file.ns.example:8000/a"
    assert routes.url("shop.example", tls=True) == "https://shop.file.ns.example/"


def test_what_was_applied_can_be_removed() -> None:
    stage = Stage(with_endpoints={"one", "two"})
    routes = staged(stage)
    assert not routes.arranged
    routes.arrange("any.yaml")
    assert routes.arranged
    routes.remove()
    assert [line for line in stage.put if line.startswith("deleted")] == [
        "deleted first",
        "deleted one",
        "deleted second",
        "deleted two",
    ]
    assert not routes.put


def test_a_gateways_listeners_get_a_port_and_nothing_else_does() -> None:
    gateway = {"kind": "Gateway", "spec": {"listeners": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}}
    assert [part["port"] for part in with_port(gateway, 9)["spec"]["listeners"]] == [9, 9]
    assert with_port({"kind": "TCPRoute", "spec": {}}, 9) == {"kind": "TCPRoute", "spec": {}}


def test_a_host_with_a_certificate_is_awaited_by_https(namespace: Namespace) -> None:
    """ingress-nginx redirects plain HTTP of such a host: awaited so, it would never be ready."""
    made = Routes(namespace, None, class_name="c", address="192.0.2.1", ready={})  # type: ignore[arg-type]
    spec = {"tls": [{"hosts": [made.host("lamp.example")]}], "rules": [{"host": made.host("dark.example")}]}
    made.put.append({"kind": "Ingress", "spec": spec})
    assert (made._secured("lamp.example"), made._secured("dark.example")) == (True, False)


@pytest.mark.parametrize("after", ["not-found", "refused"])
def test_nobody_serves_where_something_else_answers_or_nothing_listens(namespace: Namespace, after: str) -> None:
    """A controller may end its listener with its last route."""

    def at_port(port: int) -> Routes:
        client = NetnsVantage(HERE)
        return Routes(namespace, client, class_name="c", address="127.0.0.1", ports=(port, port), ready={})

    if after == "refused":
        at_port(refusing_port()).await_nobody("shop.example/", what="it to be gone")
    else:
        with http_server(reply(404, "no such host")) as port:
            at_port(port).await_nobody("shop.example/", what="it to be gone")


def test_somebody_who_serves_on_is_told(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(timeouts._scale, "factor", 0.02)
    body = f'{{"namespace": "{namespace.name}", "service": "one", "pod": "one-1", "path": "/", "host": "h"}}'
    with http_server(reply(body=body)) as port:
        client = NetnsVantage(HERE)
        routes = Routes(namespace, client, class_name="c", address="127.0.0.1", ports=(port, port), ready={})
        with pytest.raises(Mismatch, match="it to be gone"):
            routes.await_nobody("shop.example/", what="it to be gone")
