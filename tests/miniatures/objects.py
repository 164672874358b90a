"""An API server that holds a few objects, answers what its user may see, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
May = Callable[[Object], bool]
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Cluster:
    """What is there, by path; who asks; and what was asked, as ``GET /version``."""

    def __init__(self, objects: Mapping[str, Any], *, may: May = lambda _: True, user: str = "somebody") -> None:
        self.objects = {"/version": {"gitVersion": "v1.33.1"}, **objects}
        self.hidden: set[str] = set()
        self.refusals: dict[str, str] = {}
        """Path of a dry run → the words that refuse it."""
        self.families = ["IPv4"]
        """That its Services can have, the primary one first; empty: no dry run tells."""
        self.status = 0
        """Of every answer; 0: as it should be."""
        self.may = may
        self.user = user
        self.asked: list[str] = []
        self.url = ""

    def kubeconfig(self, folder: Path, user: Object | None = None) -> Path:
        path = folder / "kubeconfig"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "team",
            "contexts": [{"name": "team", "context": {"cluster": "theirs", "user": "me"}}],
            "clusters": [{"name": "theirs", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": user or {"token": "secret"}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def made(self, body: Object) -> Object:
        """An object as a dry run tells that it would be: a Service has IP families."""
        if body.get("kind") != "Service" or not self.families:
            return body
        both = body["spec"].get("ipFamilyPolicy") == "PreferDualStack"
        return {**body, "spec": {**body["spec"], "ipFamilies": self.families[: 2 if both else 1]}}

    def answer(self, method: str, target: str, body: Object) -> tuple[int, Object]:
        self.asked.append(f"{method} {target}")
        path = target.partition("?")[0]
        if self.status or path in self.hidden:
            return self.status or 403, {"message": "forbidden"}
        if path == REVIEWS:
            return 201, {"status": {"allowed": self.may(body["spec"]["resourceAttributes"])}}
        if path == WHO_AM_I:
            return 201, {"status": {"userInfo": {"username": self.user}}}
        if method == "POST" and "dryRun=All" in target:
            words = self.refusals.get(path, "")
            return (403 if "forbidden" in words else 422, {"message": words}) if words else (201, self.made(body))
        if method == "GET" and path in self.objects:
            return 200, self.objects[path]
        return 404, {"message": "not found"}


@contextmanager
def serving(cluster: Cluster) -> Iterator[Cluster]:
    """Run it on a port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is two segments, and the second would wait for 40 ms

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, told = cluster.answer(self.command, self.path, body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()


def listed(*items: Object) -> Object:
    return {"items": list(items)}


def node(name: str, address: str, **changes: Any) -> Object:
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": changes.pop("zone", "")}},
        "spec": {"podCIDRs": ["10.9.0.0/24"], **changes},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {"kubeletVersion": "v1.33.1", "kernelVersion": "6.1", "osImage": "Some Linux"},
        },
    }


def ingress_class(name: str, controller: str, *, created: str = "", default: bool = False) -> Object:
    notes = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "metadata": {"name": name, "creationTimestamp": created, "annotations": notes},
        "spec": {"controller": controller},
    }


def gateway_class(name: str, controller: str, accepted: str = "True") -> Object:
    conditions = [{"type": "Accepted", "status": accepted, "message": "Waiting for controller"}]
    return {
        "metadata": {"name": name},
        "spec": {"controllerName": controller},
        "status": {"conditions": conditions},
    }
