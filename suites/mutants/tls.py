"""Certificates broken on purpose. kube-proxy's mode makes no difference to them: one is enough."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from clusters.addons.api import ClusterApi
from clusters.controllers.description import describe
from clusters.provider import Cluster
from fixtures.certificates import Authority, secret_of, self_signed, tls_data
from fixtures.routes import GATEWAYS, host_in
from fixtures.workloads import Namespace

from .model import Mutant, Object

MODES = ("nftables",)
INGRESS = "suites/ingress/test_tls_"
CERT_MANAGER = "suites/ingress/test_cert_manager_"
GATEWAY = "suites/gateway/test_"
TAKEN_UP = 5.0
"""Seconds for a controller to take up what a mutant has just changed."""


def second_host_names_the_first_secret(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Ingress" and manifest["metadata"]["name"] == "second":
        for entry in manifest["spec"].get("tls", []):
            entry["secretName"] = "first-certificate"
    return manifest


def another_hosts_certificate_is_lent(_cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """The host without a Secret is given one that was made for another host, too."""
    if feature != "ing.tls.missing-secret":
        return
    hosts = [host_in(namespace.name, host) for host in ("another.example", "without-secret.example")]
    namespace.apply_object(secret_of("lent", self_signed(*hosts)))
    change_secret(namespace, "without-secret", "lent")
    time.sleep(TAKEN_UP)


def rotation_does_not_arrive(_cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """The Ingress, or the listener, names a copy of the Secret, which nobody replaces."""
    if not feature.endswith(".tls.rotate"):
        return
    stored = namespace.api.get("v1", "Secret", "certificate", namespace.name) or {}
    kept = {key: stored[key] for key in ("apiVersion", "kind", "type", "data")}
    namespace.apply_object({**kept, "metadata": {"name": "kept"}})
    if feature.startswith("ing."):
        change_secret(namespace, "rotated", "kept")
        return
    gateway = namespace.api.get(GATEWAYS, "Gateway", "edge", namespace.name) or {}
    listeners = gateway["spec"]["listeners"]
    listeners[0]["tls"]["certificateRefs"][0]["name"] = "kept"
    namespace.patch(GATEWAYS, "Gateway", "edge", {"spec": {"listeners": listeners}})


def change_secret(namespace: Namespace, ingress: str, secret: str) -> None:
    stored = namespace.api.get("networking.k8s.io/v1", "Ingress", ingress, namespace.name) or {}
    tls = [{**entry, "secretName": secret} for entry in stored["spec"]["tls"]]
    namespace.patch("networking.k8s.io/v1", "Ingress", ingress, {"spec": {"tls": tls}})


def another_authority_signs(manifest: Object, _feature: str) -> Object:
    """The Secret that an Issuer signs with holds an authority that nobody asked for."""
    if manifest["kind"] == "Secret" and manifest["metadata"]["name"] == "authority":
        manifest["data"] = tls_data(Authority("another").own)
    return manifest


def challenges_are_for_another_controller(manifest: Object, _feature: str) -> Object:
    """What answers ACME challenges is given to a class that nobody serves."""
    for solver in manifest.get("spec", {}).get("acme", {}).get("solvers", []):
        solver["http01"]["ingress"]["ingressClassName"] = "nobody"
    return manifest


def listeners_name_the_wide_certificate(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Gateway":
        for listener in manifest["spec"]["listeners"]:
            for reference in listener.get("tls", {}).get("certificateRefs", []):
                reference["name"] = "wide-certificate"
    return manifest


def tls_routes_change_places(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "TLSRoute":
        (reference,) = manifest["spec"]["rules"][0]["backendRefs"]
        reference["name"] = {"one": "two", "two": "one"}[reference["name"]]
    return manifest


def backends_are_whoever_they_are(manifest: Object, _feature: str) -> Object:
    """Every policy names the authority and the host that the backend's certificate has."""
    if manifest["kind"] == "BackendTLSPolicy":
        manifest["spec"]["validation"]["caCertificateRefs"][0]["name"] = "authority"
        manifest["spec"]["validation"]["hostname"] = "backend.internal.test"
    return manifest


def secrets_are_granted_to_all(_cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """The other namespace grants its Secrets beforehand."""
    gateway = namespace.api.get(GATEWAYS, "Gateway", "edge", namespace.name)
    if feature != "gw.reference-grant" or gateway is None:
        return
    references = [one.get("tls", {}).get("certificateRefs", []) for one in gateway["spec"]["listeners"]]
    for reference in itertools.chain(*references):
        grant = {
            "apiVersion": GATEWAYS,
            "kind": "ReferenceGrant",
            "metadata": {"name": "open"},
            "spec": {
                "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace.name}],
                "to": [{"group": "", "kind": "Secret"}],
            },
        }
        namespace.api.apply(grant, reference["namespace"])


@contextmanager
def controller_dies_of_a_new_certificate(cluster: Cluster) -> Iterator[None]:
    """Whenever a TLS Secret's content changes, the controller's pods are killed."""
    api, stop = ClusterApi(cluster.kubeconfig), threading.Event()
    pods = f"/api/v1/namespaces/{describe(cluster.controllers[0]).namespace}/pods"

    def watch() -> None:
        known: dict[str, Object] = {}
        while not stop.wait(0.3):
            for secret in api.get("/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls")["items"]:
                identity = secret["metadata"]["uid"]
                if known.setdefault(identity, secret["data"]) != secret["data"]:
                    known[identity] = secret["data"]
                    for pod in api.get(pods)["items"]:
                        api.request("DELETE", f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


MUTANTS = (
    Mutant(
        name="tls-second-host-names-the-first-secret",
        breaks="The second of two hosts names the first one's Secret.",
        caught_by=("ing.tls.sni",),
        scope=(f"{INGRESS}sni.py", f"{INGRESS}missing_secret.py"),
        modes=MODES,
        change=second_host_names_the_first_secret,
    ),
    Mutant(
        name="tls-missing-secret-is-lent-another",
        breaks="A host whose Secret is missing is served a certificate of another host.",
        caught_by=("ing.tls.missing-secret",),
        scope=(f"{INGRESS}missing_secret.py", f"{INGRESS}sni.py"),
        modes=MODES,
        after_ready=another_hosts_certificate_is_lent,
    ),
    Mutant(
        name="tls-rotation-does-not-arrive",
        breaks="The Secret that an Ingress or a listener names is never replaced.",
        caught_by=("ing.tls.rotate", "gw.tls.rotate"),
        scope=(f"{INGRESS}rotate.py", f"{GATEWAY}tls_rotate.py", f"{INGRESS}secret.py"),
        modes=MODES,
        after_ready=rotation_does_not_arrive,
    ),
    Mutant(
        name="tls-rotation-kills-the-controller",
        breaks="The controller dies of a new certificate, and is started anew.",
        caught_by=("ing.tls.rotate",),
        scope=(f"{INGRESS}rotate.py",),
        modes=MODES,
        during=controller_dies_of_a_new_certificate,
    ),
    Mutant(
        name="cert-manager-another-authority-signs",
        breaks="The issuer's Secret holds another authority.",
        caught_by=("ing.tls.cert-manager",),
        scope=(f"{CERT_MANAGER}ca.py", f"{INGRESS}sni.py"),
        modes=MODES,
        change=another_authority_signs,
    ),
    Mutant(
        name="cert-manager-challenges-are-for-another-controller",
        breaks="What answers ACME challenges is of a class that nobody serves.",
        caught_by=("ing.tls.cert-manager",),
        scope=(f"{CERT_MANAGER}acme.py",),
        modes=MODES,
        change=challenges_are_for_another_controller,
    ),
    Mutant(
        name="https-listeners-name-the-wide-certificate",
        breaks="Every HTTPS listener names the certificate of the widest one.",
        caught_by=("gw.listener.https",),
        scope=(f"{GATEWAY}https_listener.py", f"{GATEWAY}backend_tls.py"),
        modes=MODES,
        change=listeners_name_the_wide_certificate,
    ),
    Mutant(
        name="tls-routes-change-places",
        breaks="Each of two TLSRoutes leads to the other's backend.",
        caught_by=("gw.tls.passthrough",),
        scope=(f"{GATEWAY}tls_passthrough.py", f"{GATEWAY}https_listener.py"),
        modes=MODES,
        change=tls_routes_change_places,
    ),
    Mutant(
        name="backend-tls-policies-trust-the-backend",
        breaks="Every BackendTLSPolicy names the backend's own authority and host.",
        caught_by=("gw.backend.tls",),
        scope=(f"{GATEWAY}backend_tls.py", f"{GATEWAY}tls_passthrough.py"),
        modes=MODES,
        change=backends_are_whoever_they_are,
    ),
    Mutant(
        name="secrets-are-granted-beforehand",
        breaks="Another namespace's Secrets are granted before anybody asks for it.",
        caught_by=("gw.reference-grant",),
        scope=(f"{GATEWAY}reference_grant_secret.py", f"{GATEWAY}https_listener.py"),
        modes=MODES,
        after_ready=secrets_are_granted_to_all,
    ),
)
