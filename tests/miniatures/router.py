"""An OpenShift router and the backends behind it, as a client sees them: right, or wrong in one way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from fixtures.certificates import Certificate
from tests.miniatures.http import Behaviour, http_server, reply

NAMESPACE = "ours"


def from_backend(name: str, *, tls: str | None = None) -> Behaviour:
    """What a backend's echo answers that was spoken to in plain, or asked for a server name by TLS."""
    told: dict[str, object] = {"namespace": NAMESPACE, "service": name, "pod": f"{name}-1", "path": "/", "host": "h"}
    if tls is not None:
        told["tls"] = {"version": "TLSv1.3", "serverName": tls, "cipherSuite": "any"}
    return reply(body=json.dumps(told))


def redirect(status: int, where: str) -> Behaviour:
    return reply(status, "", {"Location": where})


def unavailable(handler: BaseHTTPRequestHandler) -> None:
    """What a router answers that has no backend for a host."""
    reply(503, "Application is not available")(handler)


def in_turn(*names: str) -> Behaviour:
    """Backends that answer one after the other, again and again."""
    turns = {"next": 0}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        name = names[turns["next"] % len(names)]
        turns["next"] += 1
        from_backend(name)(handler)

    return answer


@contextmanager
def router(
    folder: Path, *, plain: Behaviour = unavailable, secure: Behaviour = unavailable, shown: Certificate
) -> Iterator[tuple[int, int]]:
    """A router on loopback; gives its ports for HTTP and HTTPS. ``shown`` is the certificate that clients see."""
    pem = folder / "router.pem"
    pem.write_text(shown.certificate + shown.key, encoding="utf-8")
    with http_server(plain) as http_port, http_server(secure, certificate=pem) as https_port:
        yield http_port, https_port
