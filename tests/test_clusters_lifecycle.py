"""Which provider is chosen, and the truth about why."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusters import docker_engine, lifecycle
from clusters.errors import UsageError
from clusters.provider import ClusterSpec

Answer = Callable[[bytes], None]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answer]:
    """A Docker engine that gives one answer."""
    path = tmp_path / "docker.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")

    def answer(content: bytes) -> None:
        def run() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(content)

        threading.Thread(target=run, daemon=True).start()

    yield answer
    server.close()


ROOTLESS: dict[str, object] = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}


def test_auto_says_that_no_docker_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    provider, reason = lifecycle.choose("auto")
    assert provider.name == "embedded"
    assert reason == f"auto: no Docker engine answers at {tmp_path}/none.sock (DOCKER_HOST names it), so embedded"


@pytest.mark.parametrize(
    ("had", "told", "chosen", "why"),
    [
        (True, {}, "kind", "auto: a Docker engine answers and a node image can be had, so kind"),
        (True, {**ROOTLESS, "CgroupVersion": "2"}, "kind", "a node image can be had, so kind"),
        (True, {**ROOTLESS, "CgroupVersion": "1"}, "embedded", "is rootless on cgroup v1, with which kind cannot run"),
        (False, {}, "embedded", "has no node image and reaches no registry (./noxw -s node-image builds one)"),
    ],
    ids=["image", "rootless", "rootless with cgroup v1", "no image"],
)
def test_auto_takes_kind_where_it_can_run(
    engine: Answer, monkeypatch: pytest.MonkeyPatch, had: bool, told: dict[str, object], chosen: str, why: str
) -> None:
    engine(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    monkeypatch.setattr("clusters.kind.engine.Engine.info", lambda _: told)
    monkeypatch.setattr("clusters.kind.node_image.can_be_had", lambda _: had)
    provider, reason = lifecycle.choose("auto")
    assert provider.name == chosen
    assert why in reason


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 500 Internal Server Error\r\n\r\n", b"garbage"], ids=["error", "garbage"]
)
def test_an_engine_in_trouble_does_not_count(engine: Answer, answer: bytes) -> None:
    engine(answer)
    found, trouble = docker_engine.find()
    assert not found
    assert "No Docker engine answers" in trouble or "does not answer as a Docker engine" in trouble


def test_a_provider_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lifecycle.choose("embedded")[1] == "embedded was asked for"
    with pytest.raises(UsageError, match="Choose one of: auto, embedded, kind, existing"):
        lifecycle.choose("docker")


def test_a_cluster_has_the_channel_that_its_controllers_need() -> None:
    assert lifecycle.with_channel(ClusterSpec(name="c", controllers=["contour"])).gateway_api == "experimental"
    assert lifecycle.with_channel(ClusterSpec(name="c", controllers=["traefik"])).gateway_api == "standard"
    asked = ClusterSpec(name="c", gateway_api="experimental")
    assert lifecycle.with_channel(asked) == asked
