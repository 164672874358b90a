"""Whether a Docker engine answers on its socket: https://docs.docker.com/reference/api/engine/ (SystemPing)."""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path

SOCKET = Path("/var/run/docker.sock")
ANSWER_SECONDS = 1.0


def at_hand() -> bool:
    """Whether an engine answers on its usual socket, or the one that DOCKER_HOST names."""
    host = os.environ.get("DOCKER_HOST", f"unix://{SOCKET}")
    return host.startswith("unix://") and answers(Path(host.removeprefix("unix://")))


def answers(path: Path) -> bool:
    """Whether an engine answers on a socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == http.client.OK
