"""What is said of a Gateway's status and its answers is what came first, and nothing where the looks do not tell."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.addons.api import ApiError
from clusters.controllers.description import describe
from fixtures.controllers import Controller
from fixtures.gateway_truth import GatewayWatch, Span, made_for, order, own_addresses
from fixtures.routes import Routes
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import Mismatch
from propagation import gateways
from propagation.gateways import Maker
from propagation.http_watching import HttpWatch
from propagation.routes import is_from
from tests.miniatures.http import http_server, reply
from tests.vantages import HERE

ENVOY_GATEWAY = describe("envoy-gateway")
RIGHT = json.dumps({"namespace": "ours", "service": "web", "pod": "web-1"})
PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/ours/gateways"


def service(name: str, namespace: str, *labels: str, address: str = "") -> dict[str, Any]:
    ingress = [{"ip": address}] if address else []
    metadata = {"name": name, "namespace": namespace, "labels": {f"any/{value}": value for value in labels}}
    return {"metadata": metadata, "status": {"loadBalancer": {"ingress": ingress}}}


class Timetable:
    """An API server and a proxy on which things become so at their times, in seconds since the Gateway was made."""

    def __init__(
        self,
        *,
        programmed: float = 0.0,
        address: float = 0.0,
        serves: float = 0.0,
        service: float | None = None,
        namespace: str = "ours",
    ) -> None:
        self.programmed, self.address, self.serves, self.service = programmed, address, serves, service
        self.namespace = namespace
        self.made = float("inf")
        self.requests: list[tuple[str, str]] = []

    @property
    def now(self) -> float:
        return time.monotonic() - self.made

    def get(self, path: str) -> dict[str, Any]:
        if path.endswith("/services"):
            there = self.service is not None and self.now >= self.service and f"/{self.namespace}/" in path
            return {"items": [service("envoy-edge", self.namespace, "edge", "ours", address="127.0.0.1")] * there}
        if self.now < 0:
            raise ApiError(404, "not found")
        said = "True" if self.now >= self.programmed else "Unknown"
        conditions = [{"type": "Accepted", "status": "True"}, {"type": "Programmed", "status": said}]
        told = self.now >= self.address
        return {"status": {"conditions": conditions, "addresses": [{"value": "127.0.0.1"}] if told else []}}

    def behave(self, handler: Any) -> None:
        with contextlib.suppress(ConnectionError):  # who asked may have gone, having heard enough
            (reply(body=RIGHT) if self.now >= self.serves else reply(404, "no such host"))(handler)


def notes_of(cluster: Timetable, *, shared: bool = True, judge: Callable[[], None] = lambda: None) -> dict[str, str]:
    """What is told of a Gateway that keeps to its timetable, also where the judgement beside it fails."""
    notes: dict[str, str] = {}

    def note(key: str, value: object) -> None:
        notes[key] = str(value)

    with http_server(cluster.behave) as port:
        routes = Routes(
            SimpleNamespace(name="ours"),  # type: ignore[arg-type]
            NetnsVantage(HERE),
            class_name="any",
            gateway="edge",
            ports=(port, 443),
            ready={},
        )
        controller = Controller(description=ENVOY_GATEWAY, address="127.0.0.1" if shared else "")
        watch = GatewayWatch(
            cluster,  # type: ignore[arg-type]
            *(routes, controller, note),
            gateway="edge",
            host="ready.example",
            backend="web",
        )
        with contextlib.suppress(Mismatch), watch:
            time.sleep(0.2)
            cluster.made = time.monotonic()
            judge()
            time.sleep(max(cluster.programmed, cluster.address, cluster.serves))
    return notes


def bounds(told: str) -> tuple[float, float]:
    low, high = re.findall(r"-?\d+\.\d+", told)[:2]
    return float(low), float(high)


def test_programmed_before_the_truth_is_told_as_such() -> None:
    notes = notes_of(Timetable(programmed=0.0, serves=1.5))
    assert notes["what came first"].startswith("Programmed, ")
    low, high = bounds(notes["what came first"])
    assert 0.3 < low <= 1.5 <= high + 0.01
    assert bounds(notes["seconds to first right answer"])[1] >= 1.49
    assert "for every Gateway: asked from before" in notes["where it was asked"]


def test_programmed_after_the_truth_is_told_as_such() -> None:
    """Who waits for Programmed first, and asks then, sees both at once."""
    notes = notes_of(Timetable(programmed=1.5, serves=0.0))
    assert notes["what came first"].startswith("the first right answer, ")
    low, high = bounds(notes["what came first"])
    assert 0.3 < low <= 1.5 <= high + 0.01


@pytest.mark.parametrize("namespace", ["ours", ENVOY_GATEWAY.namespace])
def test_a_gateways_own_service_is_asked_before_the_status_names_its_address(namespace: str) -> None:
    notes = notes_of(Timetable(service=0.1, serves=0.4, programmed=2.0, address=2.0, namespace=namespace), shared=False)
    assert notes["what came first"].startswith("the first right answer, ")
    assert f"of Service envoy-edge of {namespace}" in notes["where it was asked"]
    assert notes["where it was asked"].endswith("before its status told it")


def test_what_only_the_status_tells_cannot_have_been_asked_before() -> None:
    """It serves at once; that it did before Programmed was said was not seen, and is not claimed."""
    notes = notes_of(Timetable(serves=0.0, programmed=0.6, address=0.6), shared=False)
    assert notes["what came first"].startswith("not known")
    assert max(bounds(notes["what came first"])) < 60.0, "nothing serves before there is a Gateway"
    assert "nothing but its status told it" in notes["where it was asked"]
    assert bounds(notes["seconds to first right answer"])[0] < 0.2
    late = notes_of(Timetable(serves=2.0, programmed=0.3, address=0.3), shared=False)
    assert late["what came first"].startswith("Programmed, "), "the address answered wrong after that was said"


def test_what_is_never_seen_is_told_beside_the_verdict() -> None:
    def fails() -> None:
        time.sleep(1.5)
        raise Mismatch(expected="an answer", observed="none")

    notes = notes_of(Timetable(serves=60.0), judge=fails)
    assert notes["what came first"] == "not known: a right answer was not seen"
    assert notes["seconds to first right answer"] == "not seen"
    assert bounds(notes["seconds to Programmed"])[0] < 0.2


@pytest.mark.parametrize(
    ("told", "served", "words"),
    [
        (Span(after=1, by=2), Span(after=2.5, by=3), "Programmed, 0.50 to 2.00 s before the first right answer"),
        (Span(after=2.5, by=3), Span(after=1, by=2), "the first right answer, 0.50 to 2.00 s before Programmed"),
        (Span(after=1, by=2), Span(after=1.5, by=2.5), "at most 1.50 s before the first right answer, or 0.50 s after"),
        (Span(after=1.5, by=2.5), Span(after=1, by=2), "at most 0.50 s before the first right answer, or 1.50 s after"),
        (Span(after=1), Span(after=1, by=2), "not known: Programmed was not seen"),
        (Span(after=1), Span(), "not known: Programmed nor a right answer was not seen"),
    ],
)
def test_an_order_is_told_only_where_the_looks_do_not_overlap(told: Span, served: Span, words: str) -> None:
    assert words in order(told, served)


def test_a_moment_lies_between_the_last_look_without_and_the_first_with() -> None:
    span = Span().look(False, 1, 2).look(False, 3, 4).look(True, 5, 6).look(False, 7, 8).look(True, 9, 10)
    assert (span.after, span.by) == (3, 6)
    assert Span(after=4, by=6).since(Span(after=1, by=2)) == "2.00 to 5.00"


@pytest.mark.parametrize(
    ("found", "is_its"),
    [
        (service("envoy-edge", "ours", "edge"), True),
        (service("envoy-ours-edge", "system", "edge", "ours"), True),
        (service("envoy-theirs-edge", "system", "edge", "theirs"), False),
        (service("web", "ours"), False),
        (service("envoy-other", "ours", "other"), False),
    ],
)
def test_a_gateways_service_is_told_by_its_labels(found: dict[str, Any], is_its: bool) -> None:
    assert made_for(found, "edge", "ours") is is_its


def test_who_may_not_see_services_learns_no_address() -> None:
    def get(path: str) -> dict[str, Any]:
        if "/system/" in path:
            raise ApiError(403, "no")
        return {"items": [service("a", "ours", "edge", address="192.0.2.1"), service("b", "ours", "edge")]}

    assert own_addresses(SimpleNamespace(get=get), "edge", "ours", "system") == {"192.0.2.1": "a of ours"}  # type: ignore[arg-type]


class Cluster(Timetable):
    """It takes objects, too: a Gateway keeps to its timetable from its creation on."""

    def path_of(self, manifest: dict[str, Any]) -> str:
        return f"{PATH if manifest['kind'] == 'Gateway' else '/routes'}/{manifest['metadata']['name']}"

    def request(self, method: str, path: str, _body: object = None) -> dict[str, Any]:
        self.requests.append((method, path))
        if path.startswith(PATH):
            self.made = time.monotonic() if method == "POST" else float("inf")
        return {}


@pytest.mark.parametrize(("programmed", "serves"), [(0.0, 1.5), (2.5, 1.4)])
@pytest.mark.parametrize("shared", [True, False], ids=["shared-address", "own-address"])
def test_a_gateway_is_timed_from_its_acknowledgement_and_removed(
    monkeypatch: pytest.MonkeyPatch, shared: bool, programmed: float, serves: float
) -> None:
    monkeypatch.setattr(gateways, "REST_SECONDS", 0.0)
    # The Service of a miniature is always called for Gateway edge: it is made for the namespace's only one.
    monkeypatch.setattr(gateways, "own_addresses", lambda api, *_: own_addresses(api, "edge", "ours", ""))
    cluster = Cluster(programmed=programmed, serves=serves, service=None if shared else 0.9)
    kinds = {
        "HTTPRoute": {"kind": "HTTPRoute", "metadata": {}, "spec": {}},
        "Gateway": {"kind": "Gateway", "metadata": {}, "spec": {}},
    }
    with http_server(cluster.behave) as port:
        routes = SimpleNamespace(
            namespace=SimpleNamespace(name="ours"),
            client=NetnsVantage(HERE),
            address="127.0.0.1",
            object=lambda _file, kind, _name: kinds[kind],
            fit=lambda manifest: manifest,
            host=lambda host: host,
            port=lambda: port,
        )
        maker = Maker()
        controller = Controller(description=ENVOY_GATEWAY, address="127.0.0.1" if shared else "")
        told = maker.change(3, routes, controller, cluster)  # type: ignore[arg-type]
    assert told.status > programmed - 0.1
    assert told.turn.first_right > (0.0 if shared else 0.9), "nobody is asked before there is an address"
    assert (told.status < told.turn.first_right) is (programmed < serves)
    assert cluster.requests == [
        ("POST", "/routes"),
        ("POST", PATH),
        ("DELETE", f"{PATH}/made-3"),
        ("DELETE", "/routes/made-3"),
    ]
    said = maker.conditions([])["address"]
    assert ("asked from before each was made" in said) is shared
    assert "right at the first question" not in said


def test_a_watch_that_begins_late_says_when_it_saw_no_change() -> None:
    with http_server(reply(body=RIGHT)) as port:
        right = lambda answer: is_from(b'"namespace":"ours"', answer)  # noqa: E731
        watch = HttpWatch(NetnsVantage(HERE), ("127.0.0.1", port), "shop.example", right, late=True)
        acknowledged = time.perf_counter() - 5.0
        with watch:
            turn = watch.acknowledged(acknowledged)
    assert watch.right_at_once
    assert 5.0 < turn.first_right < 6.0
    maker = Maker()
    maker._right_at_once = 1
    assert "right at the first question in 1" in maker.conditions([])["address"]


def test_a_gateway_that_never_gets_an_address_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "ADDRESS_SECONDS", 0.1)
    with pytest.raises(gateways.ClusterError, match="edge got no LoadBalancer Service"):
        gateways.own_address(Timetable(), "edge", "ours", "")  # type: ignore[arg-type]
