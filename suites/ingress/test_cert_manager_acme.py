"""cert-manager gets an Ingress its certificate by ACME: the challenge is answered through the controller under test."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import pytest

from clusters.provider import Cluster
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.cert_manager import CHALLENGES, ISSUERS
from fixtures.certificates import Certificate, hosts_of, secret_of, self_signed
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import equal
from fixtures.probes import http
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.servers import DnsRecorder
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.verdicts import ArrangementError, Mismatch
from fixtures.workloads import Namespace

HOST = "validated.example"


@pytest.fixture
def server(namespace: Namespace) -> Certificate:
    """The ACME server's own certificate."""
    made = self_signed(f"pebble.{namespace.name}.svc")
    namespace.apply_object(secret_of("pebble", made))
    return made


@pytest.fixture
def validated(
    cert_manager: float,
    controller: Controller,
    namespace: Namespace,
    server: Certificate,
    routes_in: Arrange,
    dns_recorder: DnsRecorder,
) -> Routes:
    """The Ingress, once cert-manager has an account with the ACME server; in the DNS its host is the controller's."""
    if controller.ingress().http_port != 80:
        pytest.skip("HTTP-01 asks at port 80, and the controller takes HTTP at another")
    made = routes_in(namespace, ready={})
    dns_recorder.answers[f"{made.host(HOST)}."] = controller.address
    made.arrange("cert_manager_acme.yaml", change=lambda found: with_server(found, made, server))
    await_account(namespace)
    return made


def with_server(found: Object, routes: Routes, server: Certificate) -> Object:
    """The Issuer with where its server is, whom to trust for that, and the class of the Ingress that it answers by."""
    if acme := found.get("spec", {}).get("acme"):
        acme["server"] = f"https://pebble.{routes.namespace.name}.svc:14000/dir"
        acme["caBundle"] = base64.b64encode(server.certificate.encode()).decode()
        for solver in acme["solvers"]:
            solver["http01"]["ingress"]["ingressClassName"] = routes.class_name
    return found


def conditions(stored: Object | None) -> list[Object]:
    return list(((stored or {}).get("status") or {}).get("conditions") or [])


def await_account(namespace: Namespace) -> None:
    """Without an account nothing is asked of the controller: that is ours to bring about."""
    deadline = time.monotonic() + Timeout.READY.seconds
    while True:
        told = conditions(namespace.api.get(ISSUERS, "Issuer", "acme", namespace.name))
        if any(part["type"] == "Ready" and part["status"] == "True" for part in told):
            return
        if time.monotonic() > deadline:
            raise ArrangementError(f"cert-manager has no account with the ACME server: {told}")
        time.sleep(0.2)


def challenges(namespace: Namespace) -> Iterator[str]:
    """What cert-manager says of the challenges that are open."""
    resource = namespace.api.dynamic.resources.get(api_version=CHALLENGES, kind="Challenge")
    for item in resource.get(namespace=namespace.name).items:
        status = item.to_dict().get("status") or {}
        yield f"{status.get('state', '')} {status.get('reason', '')}".strip()


def root(cluster: Cluster, namespace: Namespace, node: Vantage, server: Certificate) -> str:
    """The ACME server's root, which it made as it started."""
    url = f"https://pebble.{namespace.name}.svc:15000/roots/0"
    address = namespace.service("pebble")["spec"]["clusterIP"]
    (seen,) = http(node, url, address=address, ca=server.certificate)
    if seen.status != 200:
        raise ArrangementError(f"The ACME server does not give its root: {seen.outcome} {seen.detail}")
    return seen.body


@feature("ing.tls.cert-manager")
@pytest.mark.slow
def test_a_challenge_is_answered_through_the_controller(
    validated: Routes,
    cluster: Cluster,
    server: Certificate,
    node_vantages: dict[str, Vantage],
    dns_recorder: DnsRecorder,
    note: Callable[[str, object], None],
) -> None:
    """“cert-manager uses your existing Ingress or Gateway configuration in order to solve HTTP01 challenges”: it “will
    create new Ingress resources in order to route traffic to the acmesolver pods”.

    https://cert-manager.io/docs/configuration/acme/http01/
    """
    began = time.monotonic()
    namespace = validated.namespace
    trusted = root(cluster, namespace, next(iter(node_vantages.values())), server)
    try:
        converge(
            lambda: [validated.get(HOST, tls=True, ca=trusted)],
            lambda seen: validated.backend(seen[0]) == "echo",
            what=f"{validated.host(HOST)} to answer under a certificate of the ACME server's root",
            successes=1,
            every=0.5,
            timeout=Timeout.CERTIFICATE,
        )
    except Mismatch as trouble:
        told = "; ".join(challenges(namespace)) or "no challenge is open"
        observed = f"{trouble.observed}; cert-manager says: {told}"
        raise Mismatch(trouble.expected, observed, trouble.attempts) from trouble
    note("seconds from the Ingress to the first answer under its certificate", f"{time.monotonic() - began:.1f}")
    (pebble,) = [pod.name for pod in namespace.pods() if pod.labels.get("app") == "pebble"]
    log = namespace.api.core.read_namespaced_pod_log(pebble, namespace.name).splitlines()
    note("what the ACME server asked", [line for line in log if "/.well-known/acme-challenge/" in line])
    asked = [query.record for query in dns_recorder.queries if query.name == f"{validated.host(HOST)}."]
    note("queries for the host", {record: asked.count(record) for record in sorted(set(asked))})
    seen = validated.get(HOST, tls=True, ca=trusted)
    served_by(seen, namespace, "echo")
    equal("the hosts that the certificate is for", [validated.host(HOST)], hosts_of(seen.certificate), [seen])
