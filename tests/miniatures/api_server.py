"""An API server that can only exec and attach: it runs a pod's command on this machine, and tells it frame by frame."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import itertools
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, ClassVar
from urllib.parse import parse_qs, urlsplit

import yaml

from fixtures.api import Api

FRAME = 1000
"""Bytes of output in a frame: uneven enough to cut characters of several bytes."""
STDOUT, STDERR, STATUS = 1, 2, 3


class _Exec(BaseHTTPRequestHandler):
    """https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#-strong-proxy-operations-pod-v1-core-strong-"""

    protocol_version = "HTTP/1.1"
    container: ClassVar[Sequence[str]] = ()
    """The command of its one pod."""
    started: ClassVar[list[subprocess.Popen[bytes]]] = []
    """What was attached to, for as long as it runs and after."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        attaches = asked.path.endswith("/attach") and self.container
        if not (asked.path.endswith("/exec") or attaches):
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
        if attaches:
            self.attach()
            return
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

    def attach(self) -> None:
        """Start the container's command and speak for it until it ends; its input ends with the connection."""
        with subprocess.Popen(
            self.container, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            self.started.append(process)
            threading.Thread(target=self.hear, args=(process.stdin,), daemon=True).start()
            with contextlib.suppress(OSError):
                while output := os.read(process.stdout.fileno(), FRAME):
                    self.frame(STDOUT, output)
        with contextlib.suppress(OSError):
            self.frame(STATUS, json.dumps(ended(process.returncode)).encode())
            self.wfile.write(b"\x88\x00")

    def hear(self, stdin: IO[bytes]) -> None:
        """What the client sends: masked frames of a channel's number and data (RFC 6455)."""
        with contextlib.suppress(OSError), stdin:
            while (head := self.rfile.read(2))[:1] == b"\x82":
                length = head[1] & 0x7F
                if length > 125:
                    length = int.from_bytes(self.rfile.read(2 if length == 126 else 8))
                mask = self.rfile.read(4)
                data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))
                stdin.write(data[1:])
                stdin.flush()

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
    return _api(_Exec)


def attach_api(*container: str) -> tuple[Api, list[subprocess.Popen[bytes]]]:
    """A client of a server with one pod, which starts when it is attached to; and the processes that were started."""
    started: list[subprocess.Popen[bytes]] = []
    return _api(type("_Attach", (_Exec,), {"container": container, "started": started})), started


def _api(handler: type[_Exec]) -> Api:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
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
