"""An API server that can only exec: it runs a pod's command on this machine, and tells it frame by frame."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

from fixtures.api import Api

FRAME = 1000
"""Bytes of output in a frame: uneven enough to cut characters of several bytes."""
STDOUT, STDERR, STATUS = 1, 2, 3


class _Exec(BaseHTTPRequestHandler):
    """https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#-strong-proxy-operations-pod-v1-core-strong-"""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if not asked.path.endswith("/exec"):
            self.send_error(404)
            return
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        if self.headers["Sec-WebSocket-Protocol"] != "v4.channel.k8s.io":  # of v5 a kubelet may lose the output's end
            self.send_error(400)
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        self.close_connection = True
        if "breaks-off" in asked.path:
            self.frame(STDOUT, b"half")
            return
        try:
            done = subprocess.run(parse_qs(asked.query)["command"], capture_output=True, check=False)
        except OSError as error:
            self.frame(STATUS, json.dumps(internal_error(str(error))).encode())
        else:
            self.tell(urlsplit(self.path).path.split("/")[-2], done)
        self.wfile.write(b"\x88\x00")

    def tell(self, pod: str, done: subprocess.CompletedProcess[bytes]) -> None:
        """Send what a command wrote and how it ended; a pod's name says what goes wrong with it."""
        lost = {"loses-output": (1, 0), "loses-errors": (0, 1), "loses-both": (30, 30)}.get(pod, (0, 0))
        output, errors = (one[: len(one) - few] for one, few in zip((done.stdout, done.stderr), lost, strict=True))
        status = json.dumps(ended(0 if pod.startswith("loses") else done.returncode)).encode()
        if pod == "status-first":
            self.frame(STATUS, status)
        size = 1 if pod == "by-the-byte" else FRAME
        for begin in range(0, max(len(output), len(errors)), size):
            for channel, whole in ((STDOUT, output), (STDERR, errors)):
                if part := whole[begin : begin + size]:
                    self.frame(channel, part, pieces=2 if pod == "in-fragments" else 1)
        if pod != "status-first":
            self.frame(STATUS, status)

    def frame(self, channel: int, data: bytes, pieces: int = 1) -> None:
        """One binary message, unmasked, as servers send them, in one frame or in several (RFC 6455)."""
        payload = bytes([channel]) + data
        cuts = [len(payload) * piece // pieces for piece in range(pieces + 1)]
        for number, (begin, end) in enumerate(itertools.pairwise(cuts), 1):
            part = payload[begin:end]
            kind = (0x80 if number == pieces else 0) | (2 if number == 1 else 0)
            length = bytes([len(part)]) if len(part) < 126 else b"\x7e" + len(part).to_bytes(2)
            self.wfile.write(bytes([kind]) + length + part)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def ended(code: int) -> dict[str, object]:
    """The status that the kubelet sends when a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}


def internal_error(words: str) -> dict[str, object]:
    """The status that it sends when there is no such command."""
    causes = [{"message": f"Internal error occurred: error executing command in container: {words}"}]
    return {"metadata": {}, "status": "Failure", "reason": "InternalError", "details": {"causes": causes}, "code": 500}


@functools.cache
def exec_api() -> Api:
    """A client of such a server, which runs until this process ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Exec)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "here", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as written:
        yaml.safe_dump(kubeconfig, written)
        written.flush()
        return Api(Path(written.name))
