"""What a controller tells of its configuration and its metrics: by itself, or by the proxies that it has made."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from rich.console import Console

from clusters.controllers.description import Admin, describe
from clusters.errors import ClusterError
from clusters.provider import Place
from fixtures.controller_evidence import configuration, jobs_of, metrics, pods
from loadprofiles import running
from loadprofiles.backend import Way
from loadprofiles.profile import chosen
from reports.model import Interval, Load
from tests.miniatures.cluster import a_cluster

TOLD = {"configs": [{"route": "ours/one"}, {"route": "theirs/one"}], "version": 7}
COUNTED = """\
# HELP requests_total Requests, by host.
# TYPE requests_total counter
requests_total{host="a b",path="/{id}"} 12
requests_total{host="never"} 0
# TYPE seconds histogram
seconds_bucket{le="+Inf"} 12
seconds_sum 0.5
seconds_count 1.2e+01 1735689600000
last_reload_failed 0.0
quantile{q="0.5"} NaN
"""
KEPT = ['requests_total{host="a b",path="/{id}"} 12', "seconds_sum 0.5", "seconds_count 1.2e+01 1735689600000"]
PAGES = {"/config_dump": json.dumps(TOLD), "/metrics": COUNTED, "/dashboard": "<html>No 1</html>"}


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in PAGES else 404)
        self.end_headers()
        self.wfile.write(PAGES.get(self.path, "404 page not found").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def pod(name: str, *containers: str, ending: str | None = None) -> Any:
    spec = SimpleNamespace(containers=[SimpleNamespace(name=one) for one in containers])
    return SimpleNamespace(metadata=SimpleNamespace(name=name, deletion_timestamp=ending), spec=spec)


def an_api(**namespaces: list[Any]) -> Any:
    def list_namespaced_pod(namespace: str, **_: object) -> Any:
        return SimpleNamespace(items=namespaces.get(namespace, []))

    def forward(_namespace: str, _pod: str, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port))

    return SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=list_namespaced_pod), forward=forward)


def an_admin(**said: Any) -> Admin:
    return Admin(**{"source": "https://example.test", "port": 1, **said})


def test_proxies_are_asked_on_their_loopback(port: int) -> None:
    asked: list[tuple[str, str, int]] = []

    def forward(namespace: str, name: str, number: int) -> socket.socket:
        asked.append((namespace, name, number))
        return socket.create_connection(("127.0.0.1", number))

    traefik = describe("traefik")
    admin = an_admin(port=port, proxy="envoy", configuration="/config_dump")
    here = [pod("envoy-1", "shutdown", "envoy"), pod("envoy-0", "envoy", ending="now"), pod("traefik-1-1", "traefik")]
    api = an_api(traefik=here, ours=[pod("b", "envoy")])
    api.forward = forward
    told = json.loads(configuration(api, traefik, admin, ["ours"]))
    assert asked == [("ours", "b", port), ("traefik", "envoy-1", port)]
    assert told == {name: {"configs": [{"route": "ours/one"}]} for name in ("ours/b", "traefik/envoy-1")}


def test_metrics_are_those_of_the_port_that_has_them(port: int) -> None:
    proxied = an_admin(metrics_port=port, proxy="envoy", metrics="/metrics")
    own = an_admin(port=port, metrics="/metrics")
    api = an_api(traefik=[pod("traefik-1-2", "traefik"), pod("traefik-1-1", "traefik")], ours=[pod("b", "envoy")])
    assert metrics(api, describe("traefik"), proxied, ["ours"]).splitlines() == ["== ours/b", *KEPT]
    assert metrics(api, describe("traefik"), own, ["ours"]).splitlines() == ["== traefik/traefik-1-1", *KEPT]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param({"metrics": "/metric"}, r"was 404 when we asked pod traefik-1-1 .*:\d+/metric\.", id="path"),
        pytest.param({"metrics": "/dashboard"}, r"tells no metrics at :\d+/dashboard", id="another page"),
        pytest.param({"proxy": "envoi"}, r"No pod with a container envoi runs in traefik or ours", id="container"),
    ],
)
def test_a_place_without_metrics_is_told(port: int, wrong: dict[str, str], told: str) -> None:
    admin = an_admin(**{"port": port, "metrics": "/metrics", **wrong})
    with pytest.raises(ClusterError, match=told):
        metrics(an_api(traefik=[pod("traefik-1-1", "traefik")]), describe("traefik"), admin, ["ours"])


def test_a_port_that_nobody_listens_on_is_told() -> None:
    """As a port-forward has it: a connection that ends without an answer."""

    def forward(*_: object) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours

    api = an_api(traefik=[pod("traefik-1-1", "traefik")])
    api.forward = forward
    with pytest.raises(ClusterError, match=r"No answer came when we asked pod traefik-1-1 of traefik for :1/metrics"):
        metrics(api, describe("traefik"), an_admin(metrics="/metrics"), [])


def test_metrics_are_evidence_where_the_folder_names_them() -> None:
    known, api = describe("traefik"), an_api()
    assert "traefik-metrics.txt" in {file for _, file, _ in jobs_of(api, known, [])}
    without = msgspec.structs.replace(known, admin=an_admin(configuration="/api"))
    assert "traefik-metrics.txt" not in {file for _, file, _ in jobs_of(api, without, [])}


def a_load(target: str) -> Load:
    return Load(
        cell="iptables-traefik",
        profile="some",
        target=target,
        vantage="client-1",
        shape="saturation",
        connection="per-request",
        started="2026-11-22T00:00:00Z",
        seconds=1.0,
        warmup_seconds=0.0,
        requests=1,
        throughput=Interval(value=1, low=1, high=1),
        latency_seconds={},
    )


def test_a_load_keeps_what_its_controller_counted(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = msgspec.structs.replace(describe("traefik"), admin=an_admin(port=port, metrics="/metrics"))
    monkeypatch.setattr(running, "controller_of", lambda _: known)
    namespace: Any = SimpleNamespace(name="load", api=an_api(traefik=[pod("traefik-1-1", "traefik")]))
    counted = running._counted(a_load("controller"), a_cluster(), namespace, tmp_path)
    kept = "evidence/iptables-traefik/some-traefik-metrics.txt"
    assert counted == {"controller metrics": kept}
    assert (tmp_path / kept).read_text(encoding="utf-8").splitlines() == ["== traefik/traefik-1-1", *KEPT]
    assert running._counted(a_load("clusterip"), a_cluster(), namespace, tmp_path) == {}


def test_a_load_says_that_its_controllers_metrics_are_elsewhere(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = msgspec.structs.replace(describe("traefik"), admin=an_admin(port=port, metrics="/metricz"))
    monkeypatch.setattr(running, "controller_of", lambda _: known)
    namespace: Any = SimpleNamespace(name="load", api=an_api(traefik=[pod("traefik-1-1", "traefik")]))
    counted = running._counted(a_load("controller"), a_cluster(), namespace, tmp_path)
    told = f"The answer was 404 when we asked pod traefik-1-1 of traefik for :{port}/metricz."
    assert counted == {running.NO_METRICS: told}
    assert not list(tmp_path.rglob("*.txt"))


def test_a_run_of_loads_says_so_below_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Place(name="client-1", role="client", address="192.0.2.2")
    way = Way(vantage=client, address="192.0.2.1", port=80, host="load.example")
    answering = SimpleNamespace(way=lambda _: way, namespace=SimpleNamespace())
    monkeypatch.setattr("clusters.load", lambda _: a_cluster())
    monkeypatch.setattr(running, "backend", lambda *_, **__: nullcontext(answering))
    monkeypatch.setattr(running, "_one", lambda *_: a_load("controller"))
    monkeypatch.setattr(running, "_counted", lambda *_: {running.NO_METRICS: "The answer was 404."})
    console = Console(file=StringIO(), width=140)
    profiles = chosen(["nodeport-per-request"])
    (load,) = running.run(running.Asked(cluster="c", run=tmp_path, cell="c", profiles=profiles, named=True), console)
    assert load.conditions == {running.NO_METRICS: "The answer was 404."}
    assert console.file.getvalue().splitlines()[1:] == ["some: no metrics of the controller: The answer was 404."]


def test_only_the_deployments_pods_are_the_controllers() -> None:
    """Contour's Job and its provisioner have names that begin like its Deployment's."""
    mine = msgspec.structs.replace(describe("traefik"), deployments=["contour"])
    names = ["contour-certgen-v1-33-8-abcde", "contour-gateway-provisioner-7f-abcde", "contour-7f9-abcde"]
    assert pods(an_api(traefik=[pod(name) for name in names]), mine) == ["contour-7f9-abcde"]
