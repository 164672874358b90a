"""Whether a Docker engine answers, and where: https://docs.docker.com/reference/api/engine/ (SystemPing)."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
from pathlib import Path

from clusters import system_packages

SOCKET = Path("/var/run/docker.sock")
ANSWER_SECONDS = 1.0
REMOTE_SECONDS = 10.0


def find() -> tuple[str, str]:
    """What DOCKER_HOST must be for the engine that answers, and, where none does, why."""
    if named := os.environ.get("DOCKER_HOST"):
        trouble = trouble_with(named)
        return ("", f"{trouble.rstrip('.')} (DOCKER_HOST names it).") if trouble else (named, "")
    usual = f"unix://{SOCKET}"
    told = trouble_with(usual)
    if not told:
        return usual, ""
    chosen = of_context()
    if chosen and chosen != usual and not trouble_with(chosen):
        return chosen, ""
    return "", told


def trouble_with(host: str) -> str:
    """Why the engine at an address cannot be used; empty where it answers."""
    if not host.startswith("unix://"):
        return "" if remote_answers(host) else f"No Docker engine answers at {host}."
    path = Path(host.removeprefix("unix://"))
    if answers(path):
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(path))
    except PermissionError:
        return f"You may not use the Docker engine at {path}: be root, or a member of its group ({group_of(path)})."
    except OSError:
        return f"No Docker engine answers at {path}."
    return f"What listens at {path} does not answer as a Docker engine."


def group_of(path: Path) -> str:
    try:
        return path.group()
    except (OSError, KeyError):
        return "docker"


def of_context() -> str:
    """The address that docker's own current context names (Docker Desktop, rootless Docker, colima); empty: none."""
    docker = system_packages.find("docker")
    return _said([docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]) if docker else ""


def remote_answers(host: str) -> bool:
    """Whether an engine answers over TCP or SSH: asked of docker's own command, which knows every way."""
    docker = system_packages.find("docker")
    return bool(docker and _said([docker, "--host", host, "version", "--format", "{{.Server.Version}}"]))


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=REMOTE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


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
