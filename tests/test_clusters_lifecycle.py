"""Which provider is chosen, and the truth about why."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusters import docker_engine, lifecycle
from clusters.errors import UsageError

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


def test_auto_says_that_no_docker_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    provider, reason = lifecycle.choose("auto")
    assert (provider.name, reason) == ("embedded", "auto: no Docker engine answers, so embedded")


def test_auto_does_not_hide_a_docker_engine_that_it_cannot_use(engine: Answer) -> None:
    engine(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    assert "a Docker engine answers, but there is no kind provider yet" in lifecycle.choose("auto")[1]


def test_an_engine_in_trouble_does_not_count(engine: Answer) -> None:
    engine(b"HTTP/1.0 500 Internal Server Error\r\n\r\n")
    assert not docker_engine.at_hand()
    engine(b"garbage")
    assert not docker_engine.at_hand()


def test_a_provider_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lifecycle.choose("embedded")[1] == "embedded was asked for"
    with pytest.raises(UsageError, match="Choose one of: auto, embedded"):
        lifecycle.choose("docker")
