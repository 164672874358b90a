"""Changes behind a controller: what is applied, how its way is timed, and what a restart may lose."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from clusters.controllers.description import Draining, Refusal, Restart, describe
from fixtures.controller_restart import GONE, ControllerPods, Workload, judge_restart
from fixtures.controllers import Controller, published
from fixtures.observations import HttpObservation, Outcome
from fixtures.status_truth import accepted_by, has_address
from fixtures.steady import Stream
from fixtures.under_load import numbered
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import Mismatch, Unsupported
from propagation.http_watching import HttpWatch
from propagation.routes import StatusWatch, is_from, is_told
from tests.miniatures.http import close_early, http_server, reply
from tests.vantages import HERE

TRAEFIK = describe("traefik")
ACCEPTED = {"type": "Accepted", "status": "True"}


def echo(namespace: str) -> str:
    return json.dumps({"namespace": namespace, "service": "web", "pod": "web-1"}, indent=1)


def test_a_route_is_timed_from_its_acknowledgement_to_the_first_right_and_the_last_wrong_answer() -> None:
    changed = threading.Event()

    def behave(handler: Any) -> None:
        (reply(body=echo("ours")) if changed.is_set() else reply(404, "no such host"))(handler)

    with http_server(behave) as port:
        right = lambda answer: is_from(b'"namespace":"ours"', answer)  # noqa: E731
        with HttpWatch(NetnsVantage(HERE), ("127.0.0.1", port), "shop.example", right) as watch:
            threading.Timer(0.3, changed.set).start()
            turn = watch.acknowledged()
    # Not which of the two comes first: two requests at once are answered in any order, by as many threads.
    assert 0.2 < turn.last_wrong < 2.0
    assert 0.2 < turn.first_right < 2.0


def test_an_answer_that_breaks_off_is_no_right_one() -> None:
    changed = threading.Event()

    def behave(handler: Any) -> None:
        (reply(body=echo("ours")) if changed.is_set() else close_early)(handler)

    with http_server(behave) as port:
        right = lambda answer: is_from(b'"namespace":"ours"', answer)  # noqa: E731
        with HttpWatch(NetnsVantage(HERE), ("127.0.0.1", port), "shop.example", right) as watch:
            threading.Timer(0.3, changed.set).start()
            assert watch.acknowledged().first_right > 0.2


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (f"HTTP/1.1 200 OK\r\n\r\n{echo('ours')}", True),
        (f"HTTP/1.1 200 OK\r\n\r\n{echo('theirs')}", False),
        (f"HTTP/1.1 503 Service Unavailable\r\n\r\n{echo('ours')}", False),
        ("", False),
    ],
)
def test_only_the_namespaces_own_backend_is_right(answer: str, right: bool) -> None:
    assert is_from(b'"namespace":"ours"', answer.encode()) is right


def route(controller: str, *conditions: dict[str, str]) -> dict[str, Any]:
    return {"status": {"parents": [{"controllerName": controller, "conditions": list(conditions)}]}}


def test_a_status_is_the_controllers_own_word() -> None:
    controller = Controller(description=TRAEFIK, address="")
    ours = "traefik.io/gateway-controller"
    for told in (accepted_by(ours), lambda found: is_told("httproute", found, controller)):
        assert told(route(ours, ACCEPTED))
        assert not told(route("another", ACCEPTED))
        assert not told(route(ours, {**ACCEPTED, "status": "False"}))
        assert not told({})
    served = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    assert has_address(served)
    assert is_told("ingress", served, controller)
    assert not has_address({"status": {"loadBalancer": {}}})
    programmed = {"type": "Programmed", "status": "True"}
    assert is_told("gateway", {"status": {"conditions": [ACCEPTED, programmed]}}, controller)
    assert not is_told(
        "gateway", {"status": {"conditions": [ACCEPTED, {**programmed, "status": "Unknown"}]}}, controller
    )
    assert not is_told("gateway", {}, controller)


def test_a_status_that_never_says_so_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatusWatch, "SECONDS", 0.2)
    with StatusWatch(dict, bool) as status:
        assert status.at() != status.at()
    began = time.perf_counter()
    with StatusWatch(lambda: {"said": True}, bool) as status:
        assert status.at() >= began


def test_unrelated_routes_have_names_and_hosts_of_their_own() -> None:
    ingress = {"metadata": {"name": "unrelated"}, "spec": {"rules": [{"host": "unrelated.example"}]}}
    found = numbered(ingress, 7)
    assert found["metadata"]["name"] == "unrelated-7"
    assert found["spec"]["rules"][0]["host"] == "unrelated-7.example"
    assert ingress["spec"]["rules"] == [{"host": "unrelated.example"}]
    assert numbered({"metadata": {"name": "r"}, "spec": {"hostnames": ["r.example"]}}, 0)["spec"] == {
        "hostnames": ["unrelated-0.example"]
    }


def stream(*outcomes: Outcome) -> Stream:
    made = Stream("client-1", "http://192.0.2.1/")
    made.seen = [
        HttpObservation(
            vantage="client-1",
            target="",
            at=made.began,
            seconds=0.0,
            outcome=one,
            status=200 if one is Outcome.ANSWERED else 0,
        )
        for one in outcomes
    ]
    return made


LOST, WHOLE = stream(Outcome.ANSWERED, Outcome.REFUSED), stream(Outcome.ANSWERED)


@pytest.mark.parametrize(
    ("claim", "seen", "verdict"),
    [
        (Restart(source="https://", lossless=True), LOST, Mismatch),
        (Restart(source="https://", lossless=False, reason="It does not drain."), LOST, Unsupported),
        (None, LOST, pytest.skip.Exception),
        (Restart(source="https://", lossless=True), WHOLE, None),
        (None, WHOLE, None),
    ],
)
def test_what_a_restart_loses_is_judged_by_what_the_controller_claims(
    claim: Restart | None, seen: Stream, verdict: type[BaseException] | None
) -> None:
    notes: dict[str, object] = {}
    controller = Controller(description=msgspec.structs.replace(TRAEFIK, restart=claim), address="")
    if verdict is None:
        judge_restart(controller, seen, notes.__setitem__)
    else:
        with pytest.raises(verdict, match="1 lost"):
            judge_restart(controller, seen, notes.__setitem__)
    assert "sent = 1 answered" in str(notes["while the controller was restarted"])


def test_once_the_old_pods_are_gone_nobody_may_lose_anything() -> None:
    lost = stream(Outcome.ANSWERED, Outcome.REFUSED)
    lost.moments = [(lost.began - 1, GONE)]
    description = msgspec.structs.replace(TRAEFIK, restart=Restart(source="https://", lossless=False, reason="No."))
    with pytest.raises(Mismatch, match="1 lost"):
        judge_restart(Controller(description=description, address=""), lost, lambda *_: None)


class TwoPods:
    """An API with a Deployment whose pod is another one after each change of it."""

    def __init__(self) -> None:
        self.template: dict[str, Any] = {"metadata": {}, "spec": {"containers": [{"args": ["--own"]}]}}
        self.changes: list[list[dict[str, Any]]] = []
        made = SimpleNamespace(
            metadata=SimpleNamespace(name="traefik"),
            spec=SimpleNamespace(
                selector=SimpleNamespace(match_labels={"app": "t"}),
                template=SimpleNamespace(metadata=SimpleNamespace(labels={"app": "t"})),
            ),
        )
        none: Any = SimpleNamespace(items=[])
        self.apps = SimpleNamespace(
            list_namespaced_deployment=lambda _: SimpleNamespace(items=[made]),
            list_namespaced_daemon_set=lambda _: none,
            patch_namespaced_deployment=lambda _name, _namespace, body: self.changes.append(body),
            patch_namespaced_daemon_set=None,
        )
        self.core = SimpleNamespace(
            list_namespaced_service=lambda _: none,
            list_namespaced_pod=lambda *_, **__: SimpleNamespace(
                items=[SimpleNamespace(metadata=SimpleNamespace(name=f"pod-{len(self.changes)}"))]
            ),
        )

    def get(self, *_: object) -> dict[str, Any]:
        status = {"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1}
        return {
            "kind": "Deployment",
            "metadata": {"generation": 1},
            "spec": {"replicas": 1, "template": self.template},
            "status": status,
        }


@pytest.mark.parametrize("early", [True, False], ids=["put-back-by-the-check", "left-to-the-end"])
def test_the_setting_by_which_a_controller_drains_is_there_for_the_block_alone(early: bool) -> None:
    api = TwoPods()
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--drain"}]
    how = Draining(source="https://", workload="Deployment/traefik", patch=patch)
    with ControllerPods(api, TRAEFIK).draining(how) as (workload, put_back):  # type: ignore[arg-type]
        assert workload.called == "Deployment traefik of traefik"
        assert api.changes == [patch]
        if early:
            put_back()
    assert api.changes == [patch, [{"op": "replace", "path": "/spec/template", "value": api.template}]]


@pytest.mark.parametrize("name", ["traefik", "contour"])
def test_what_loses_requests_by_default_is_told_how_to_drain(name: str) -> None:
    """A patch that adds to a list, and says so by its path: a word that stands in the manifests already is none."""
    restart = describe(name).restart
    assert restart
    assert restart.draining
    (change,) = restart.draining.patch
    assert change["op"] == "add"
    assert change["path"].endswith("/-")
    assert restart.draining.workload.partition("/")[0] in {"Deployment", "DaemonSet"}


def test_a_refusal_may_be_of_one_flavour() -> None:
    made = msgspec.structs.replace(
        TRAEFIK,
        refusals=[
            Refusal(source="https://", feature="can.sticky", reason="a", flavour="by-httproute"),
            Refusal(source="https://", feature="can.cookie", reason="b"),
            Refusal(source="https://", feature="gw.t*", reason="c"),
        ],
    )
    assert [made.refusal(feature) is None for feature in ("gw.tcp", "gw.tls", "gw.udp")] == [False, False, True]
    assert made.refusal("can.sticky") is None
    assert made.refusal("can.sticky", "by-ingress") is None
    assert made.refusal("can.sticky", "by-httproute") is not None
    assert made.refusal("can.cookie", "by-ingress") is not None


def test_a_services_addresses_are_those_that_it_has_got() -> None:
    entry = SimpleNamespace(ip="192.0.2.1", hostname=None)
    status = SimpleNamespace(load_balancer=SimpleNamespace(ingress=[entry]))
    assert published(SimpleNamespace(status=status)) == {"192.0.2.1"}
    assert published(SimpleNamespace(status=SimpleNamespace(load_balancer=None))) == set()


class Reverting:
    """An API on which somebody takes back what is changed of a Deployment."""

    core = SimpleNamespace(
        list_namespaced_pod=lambda *_, **__: SimpleNamespace(
            items=[SimpleNamespace(metadata=SimpleNamespace(name="old"))]
        )
    )

    def patch(self, *_: object) -> None:
        pass

    def get(self, *_: object) -> dict[str, Any]:
        return {"metadata": {"generation": 3}, "spec": {"replicas": 1, "template": {"metadata": {}}}, "status": {}}


def test_a_restart_that_is_taken_back_is_no_restart() -> None:
    pods = ControllerPods(Reverting(), describe("contour"))  # type: ignore[arg-type]
    edge = Workload(kind="Deployment", namespace="ns", name="envoy-edge", selector={"app": "envoy"})
    with pytest.raises(pytest.skip.Exception, match="takes the change back"):
        pods.roll(edge)


class ThreeNodes:
    """An API of a cluster of three nodes; the second has the proxy's pod, the third takes no new pods."""

    def __init__(self, **pod: Any) -> None:
        self.pod = pod
        self.closed: dict[str, bool] = {}
        nodes = [("n1", False), ("n2", False), ("n3", True)]
        items = [
            SimpleNamespace(metadata=SimpleNamespace(name=name), spec=SimpleNamespace(unschedulable=closed))
            for name, closed in nodes
        ]
        pods = [SimpleNamespace(metadata=SimpleNamespace(name="a"), spec=SimpleNamespace(node_name="n2"))]
        self.core = SimpleNamespace(
            list_node=lambda: SimpleNamespace(items=items),
            list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=pods),
            patch_node=lambda name, body: self.closed.update({name: body["spec"]["unschedulable"]}),
        )

    def get(self, *_: object) -> dict[str, Any]:
        return {"spec": {"template": {"spec": self.pod}}}


@pytest.mark.parametrize(
    ("kind", "holds_address", "pod", "held"),
    [
        ("Deployment", True, {}, ["n1"]),
        ("Deployment", False, {}, []),
        ("DaemonSet", True, {}, []),
        ("Deployment", True, {"hostNetwork": True}, []),
        ("Deployment", True, {"containers": [{"ports": [{"hostPort": 80}]}]}, []),
    ],
    ids=["local", "cluster", "on-every-node", "host-network", "host-port"],
)
def test_new_pods_stay_where_the_address_is(
    kind: str, holds_address: bool, pod: dict[str, Any], held: list[str]
) -> None:
    api = ThreeNodes(**pod)
    edge = Workload(kind=kind, namespace="ns", name="edge", selector={"app": "edge"}, holds_address=holds_address)
    with ControllerPods(api, TRAEFIK).staying(edge) as found:  # type: ignore[arg-type]
        assert found == held
        assert api.closed == dict.fromkeys(held, True)
    assert api.closed == dict.fromkeys(held, False)
