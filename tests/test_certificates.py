"""Certificates that checks hand out are what they say, and what is served is told apart."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from clusters.addons.manifests import FOLDER, load
from clusters.components.catalogue import catalogue
from fixtures import certificates_served, timeouts
from fixtures.certificates import Authority, Certificate, hosts_of, secret_of, self_signed
from fixtures.certificates_served import await_certificates
from fixtures.observations import HttpObservation, Outcome
from fixtures.probes import http
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import Mismatch
from tests.miniatures.http import http_server, reply
from tests.vantages import HERE


@pytest.mark.parametrize(
    ("host", "trusts", "outcome"),
    [
        pytest.param("shop.example", "own", Outcome.ANSWERED, id="right"),
        pytest.param("shop.example", "another", Outcome.TLS_ERROR, id="another-authority"),
        pytest.param("other.example", "own", Outcome.TLS_ERROR, id="another-host"),
    ],
)
def test_an_authority_vouches_for_the_host_that_it_signed_for(
    tmp_path: Path, host: str, trusts: str, outcome: Outcome
) -> None:
    own, another = Authority("Roadtest"), Authority("Roadtest")
    signed = own.sign("shop.example")
    (tmp_path / "server.pem").write_text(signed.certificate + signed.key)
    ca = {"own": own, "another": another}[trusts].own.certificate
    with http_server(reply(), certificate=tmp_path / "server.pem") as port:
        (seen,) = http(NetnsVantage(HERE), f"https://{host}:{port}/", address="127.0.0.1", ca=ca)
    assert seen.outcome is outcome


def test_a_certificate_can_be_for_several_hosts_and_lies_in_a_secret_as_it_is() -> None:
    made = self_signed("one.example", "two.example")
    assert hosts_of(made.certificate) == ["one.example", "two.example"]
    stored = secret_of("certificate", made)
    assert stored["type"] == "kubernetes.io/tls"
    assert base64.b64decode(stored["data"]["tls.crt"]).decode() == made.certificate
    assert base64.b64decode(stored["data"]["tls.key"]).decode() == made.key


class Served:
    """Routes whose host answers under these certificates, one request after the other; the last for ever."""

    def __init__(self, *certificates: Certificate | None, backend: str = "echo") -> None:
        self.left = list(certificates)
        self.name = backend

    def get(self, host: str, path: str, *, tls: bool) -> HttpObservation:
        assert (host, path, tls) == ("shop.example", "/a", True)
        made = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return seen(made.certificate if made else "")

    def backend(self, _seen: HttpObservation) -> str:
        return self.name


def seen(certificate: str) -> HttpObservation:
    outcome = Outcome.ANSWERED if certificate else Outcome.TLS_ERROR
    return HttpObservation(
        vantage="client-1", target="t", at=0.0, seconds=0.0, outcome=outcome, status=404, certificate=certificate
    )


def test_a_certificate_is_awaited_until_it_is_served_steadily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "_scale", {"factor": 0.02})
    old, new = self_signed("shop.example"), self_signed("shop.example")
    routes: Any = Served(None, old, new, old, new)
    await_certificates(routes, {"shop.example/a": new})
    for wrong in (Served(old), Served(None), Served(new, backend="")):
        routes = wrong
        with pytest.raises(Mismatch, match=r"under the own certificate of shop.example/a"):
            await_certificates(routes, {"shop.example/a": new})


def test_who_is_served_is_told_in_words() -> None:
    assert certificates_served.told(seen("")) == "tls-error: "
    told = certificates_served.told(seen(self_signed("shop.example").certificate))
    assert told == "the certificate of CN=shop.example for shop.example; HTTP 404"


def test_cert_manager_runs_in_the_pinned_images() -> None:
    pinned = catalogue().addon_images
    values = {"controller_image": "the-controller", "acmesolver_image": "the-solver"}
    (deployment,) = [one for one in load(FOLDER / "cert-manager", values) if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "the-controller"
    assert "--acme-http01-solver-image=the-solver" in container["args"]
    text = (Path(__file__).parents[1] / "suites/ingress/cert_manager_acme.yaml").read_text(encoding="utf-8")
    assert f"image: {pinned['pebble']}\n" in text
