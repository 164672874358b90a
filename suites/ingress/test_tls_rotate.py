"""A certificate is replaced while clients come: what each of their handshakes gets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.catalogue import feature
from fixtures.certificate_rotation import judge_rotation, put_first
from fixtures.certificates import Certificate
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream


@pytest.fixture(scope="module")
def old() -> list[Certificate]:
    """The host's first certificate."""
    return []


@pytest.fixture
def rotated(routes: Arrange, old: list[Certificate]) -> Routes:
    """A host with its first certificate."""
    return routes("tls_rotate.yaml", ready={}, before=lambda made: old.append(put_first(made)))


@feature("ing.tls.rotate")
def test_a_replaced_certificate_arrives_without_a_failed_handshake(
    rotated: Routes,
    old: list[Certificate],
    steady_route: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“Referencing this secret in an Ingress tells the Ingress controller to secure the channel from the client to the
    load balancer using TLS.” That holds while the Secret changes: each handshake gets what the Secret held or holds.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
    """
    judge_rotation(rotated, old[0], steady_route, note)
