"""An image registry of one image for two platforms, which wants a token, or does something wrong."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TOKEN = "let-me-in"
LAYER = b"a layer, said to be compressed" * 1000
CONFIG = json.dumps({"architecture": "amd64", "os": "linux"}).encode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def part(data: bytes, media_type: str, **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


class ImageRegistry:
    """What it serves: path → type and bytes."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": part(CONFIG, "application/vnd.oci.image.config.v1+json"),
                "layers": [part(LAYER, "application/vnd.oci.image.layer.v1.tar+gzip")],
            }
        ).encode()
        platforms = [{"architecture": "s390x", "os": "linux"}, {"architecture": "amd64", "os": "linux"}]
        other = b"{}"
        self.index = json.dumps(
            {
                "schemaVersion": 2,
                "manifests": [
                    part(other, MANIFEST, platform=platforms[0]),
                    part(self.manifest, MANIFEST, platform=platforms[1]),
                ],
            }
        ).encode()
        self.served: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []

    def publish(self, repository: str, tag: str) -> str:
        """Serve the image under a name, which is returned."""
        top = f"/v2/{repository}"
        self.served |= {
            f"{top}/manifests/{tag}": (INDEX, self.index),
            f"{top}/manifests/{digest(self.manifest)}": (MANIFEST, self.manifest),
            f"{top}/blobs/{digest(CONFIG)}": ("application/octet-stream", CONFIG),
            f"{top}/blobs/{digest(LAYER)}": ("application/octet-stream", LAYER),
        }
        return f"{self.host}/{repository}:{tag}"


@contextlib.contextmanager
def image_registry() -> Iterator[ImageRegistry]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            registry.asked.append(self.path)
            if self.path.startswith("/token?"):
                self.answer(200, "application/json", json.dumps({"token": TOKEN}).encode())
            elif self.headers.get("authorization") != f"Bearer {TOKEN}":
                self.answer(401, "text/plain", b"")
            elif self.path in registry.served:
                self.answer(200, *registry.served[self.path])
            else:
                self.answer(404, "text/plain", b"")

        def answer(self, status: int, media_type: str, content: bytes) -> None:
            self.send_response(status)
            if status == 401:
                realm = f'Bearer realm="http://{registry.host}/token",service="registry",scope="repository:x:pull"'
                self.send_header("www-authenticate", realm)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry = ImageRegistry(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
