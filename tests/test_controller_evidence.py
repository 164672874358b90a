"""What a controller tells of its configuration: by itself, or by the proxies that it has made, on their loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from clusters.controllers.description import Admin, describe
from fixtures.controller_evidence import configuration, pods

TOLD = {"configs": [{"route": "ours/one"}, {"route": "theirs/one"}], "version": 7}


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.path == "/config_dump"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(TOLD).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def pod(name: str, *containers: str) -> Any:
    spec = SimpleNamespace(containers=[SimpleNamespace(name=one) for one in containers])
    return SimpleNamespace(metadata=SimpleNamespace(name=name), spec=spec)


def an_api(**namespaces: list[Any]) -> Any:
    def list_namespaced_pod(namespace: str, **_: object) -> Any:
        return SimpleNamespace(items=namespaces.get(namespace, []))

    return SimpleNamespace(core=SimpleNamespace(list_namespaced_pod=list_namespaced_pod))


def test_proxies_are_asked_on_their_loopback(port: int) -> None:
    asked: list[tuple[str, str, int]] = []

    def forward(namespace: str, name: str, number: int) -> socket.socket:
        asked.append((namespace, name, number))
        return socket.create_connection(("127.0.0.1", number))

    traefik = describe("traefik")
    admin = Admin(port=port, proxy="envoy", configuration="/config_dump")
    api = an_api(traefik=[pod("envoy-1", "shutdown", "envoy"), pod("traefik-1-1", "traefik")], ours=[pod("b", "envoy")])
    api.forward = forward
    told = json.loads(configuration(api, traefik, admin, ["ours"]))
    assert asked == [("ours", "b", port), ("traefik", "envoy-1", port)]
    assert told == {name: {"configs": [{"route": "ours/one"}]} for name in ("ours/b", "traefik/envoy-1")}


def test_only_the_deployments_pods_are_the_controllers() -> None:
    """Contour's Job and its provisioner have names that begin like its Deployment's."""
    mine = msgspec.structs.replace(describe("traefik"), deployments=["contour"])
    names = ["contour-certgen-v1-33-8-abcde", "contour-gateway-provisioner-7f-abcde", "contour-7f9-abcde"]
    assert pods(an_api(traefik=[pod(name) for name in names]), mine) == ["contour-7f9-abcde"]
