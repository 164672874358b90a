"""A certificate that a listener names is replaced while clients come: what each of their handshakes gets."""

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
    """The listener's first certificate."""
    return []


@pytest.fixture
def rotated(routes: Arrange, old: list[Certificate]) -> Routes:
    """An HTTPS listener with its first certificate."""
    return routes("tls_rotate.yaml", gateway="edge", ready={}, before=lambda made: old.append(put_first(made)))


@feature("gw.tls.rotate")
def test_a_replaced_certificate_arrives_without_a_failed_handshake(
    rotated: Routes,
    old: list[Certificate],
    steady_route: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“CertificateRefs contains a series of references to Kubernetes objects that contains TLS certificates and private
    keys. These certificates are used to establish a TLS handshake for requests that match the hostname of the
    associated listener.” That holds while the Secret changes: each handshake gets what the Secret held or holds.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L585
    """
    judge_rotation(rotated, old[0], steady_route, note)
