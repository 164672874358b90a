"""A certificate is replaced while clients come: what each of their handshakes gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed, tls_data
from fixtures.certificates_served import await_certificates
from fixtures.expectations import holds, tally
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream, no_loss
from fixtures.timeouts import Timeout

HOST = "rotated.example"
RATE = 25.0
ROW = 25
"""So many handshakes in a row with the new certificate: it has arrived. As many more must then get it, too."""


@pytest.fixture(scope="module")
def old() -> list[Certificate]:
    """The host's first certificate."""
    return []


@pytest.fixture
def rotated(routes: Arrange, old: list[Certificate]) -> Routes:
    """A host with its first certificate."""

    def put_secret(made: Routes) -> None:
        old.append(self_signed(made.host(HOST)))
        made.namespace.apply_object(secret_of("certificate", old[0]))

    return routes("tls_rotate.yaml", ready={}, before=put_secret)


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
    await_certificates(rotated, {HOST: old[0]})
    new = self_signed(rotated.host(HOST))
    name = {fingerprint(old[0].certificate): "old", fingerprint(new.certificate): "new"}

    def which(seen: Sequence[HttpObservation]) -> list[str]:
        return [name.get(fingerprint(one.certificate), "another") for one in sorted(seen, key=lambda one: one.at)]

    with steady_route(rotated, HOST, tls=True, rate=RATE) as stream:
        stream.await_answers(ROW)
        changed = stream.mark("the Secret's content is replaced")
        rotated.namespace.patch("v1", "Secret", "certificate", {"data": tls_data(new)})
        stream.await_seen(
            lambda seen: which(seen)[-ROW:] == ["new"] * ROW,
            what=f"the new certificate, {ROW} times in a row",
            timeout=Timeout.ROUTES,
        )
        arrived = stream.mark("the new certificate has arrived")
        stream.await_answers(ROW)
    no_loss(stream, "while the certificate was replaced")
    for wanted, since in (({"old", "new"}, 0.0), ({"new"}, arrived)):
        seen = stream.since(since)
        odd = [one for one in seen if not set(which([one])) <= wanted]
        holds(not odd, f"only the {' or the '.join(sorted(wanted))} certificate", tally(which(seen)), odd)
    first = min(one.at for one in stream.seen if which([one]) == ["new"])
    last = max(one.at for one in stream.seen if which([one]) == ["old"])
    note("seconds to the first handshake with the new certificate", f"{first - changed:.2f}")
    note("seconds to the last handshake with the old certificate", f"{max(0.0, last - changed):.2f}")
