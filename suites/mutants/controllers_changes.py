"""Canaries, updates and restarts behind a controller, broken on purpose. kube-proxy's mode makes no difference."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from clusters.addons.api import ClusterApi
from clusters.controllers.description import describe
from clusters.provider import Cluster
from fixtures.workloads import NEVER_READY

from .model import Mutant, Object
from .routes import CANARY, MODES, matches, rules

ROLLOUT = ("suites/ingress/test_rollout.py", "suites/gateway/test_rollout.py")
RAMP = "suites/canary/test_ramp.py"
HEADER, COOKIE = "suites/canary/test_header.py", "suites/canary/test_cookie.py"


def annotations_of(manifest: Object) -> Object:
    found: Object = manifest["metadata"].get("annotations", {})
    return found


def header_value_is_another(manifest: Object, _feature: str) -> Object:
    """Values only: words that mean something by themselves stay, and so do patterns, and a value beside a pattern."""
    told = annotations_of(manifest)
    if f"{CANARY}-by-header-value" in told and f"{CANARY}-by-header-pattern" not in told:
        told[f"{CANARY}-by-header-value"] = "red"
    for match in matches(manifest):
        for header in match.get("headers", []):
            if header["value"] == "blue":
                header["value"] = "red"
    return manifest


def pattern_has_no_start(manifest: Object, _feature: str) -> Object:
    """A pattern for the whole header is one for any part of it."""
    key = f"{CANARY}-by-header-pattern"
    if key in annotations_of(manifest):
        annotations_of(manifest)[key] = annotations_of(manifest)[key].lstrip("^")
    for match in matches(manifest):
        for header in match.get("headers", []):
            if header.get("type") == "RegularExpression" and header["name"] != "Cookie":
                header["value"] = f".*{header['value'].lstrip('^')}"
    return manifest


def cookie_is_another(manifest: Object, _feature: str) -> Object:
    if f"{CANARY}-by-cookie" in annotations_of(manifest):
        annotations_of(manifest)[f"{CANARY}-by-cookie"] = "another"
    for match in matches(manifest):
        for header in match.get("headers", []):
            if header["name"] == "Cookie":
                header["value"] = header["value"].replace("canary=", "another=")
    return manifest


def header_is_deaf_beside_a_cookie(manifest: Object, _feature: str) -> Object:
    """Where both are asked for, only the cookie is heard."""
    if f"{CANARY}-by-cookie" in annotations_of(manifest):
        annotations_of(manifest).pop(f"{CANARY}-by-header", None)
    if manifest["kind"] == "HTTPRoute" and any("Cookie" in str(rule) for rule in rules(manifest, "HTTPRoute")):
        manifest["spec"]["rules"] = [rule for rule in rules(manifest, "HTTPRoute") if "X-Canary" not in str(rule)]
    return manifest


def steps_stay_at_half(manifest: Object, feature: str) -> Object:
    """A weight that is set stays 25, whatever is asked for."""
    if feature != "can.ramp":
        return manifest
    if annotations_of(manifest).get(f"{CANARY}-weight") == "50":
        annotations_of(manifest)[f"{CANARY}-weight"] = "25"
    for rule in rules(manifest, "HTTPRoute"):
        if [backend.get("weight") for backend in rule["backendRefs"]] == [50, 50]:
            rule["backendRefs"][0]["weight"], rule["backendRefs"][1]["weight"] = 75, 25
    return manifest


def ends_lead_elsewhere(manifest: Object, feature: str) -> Object:
    """Whoever is promoted or given up: one request in a hundred goes to the other."""
    if feature == "can.abort" and manifest["kind"] == "HTTPRoute":
        for rule in rules(manifest, "HTTPRoute"):
            if len(rule["backendRefs"]) == 1 and "matches" not in rule and "ready" not in manifest["metadata"]["name"]:
                (kept,) = rule["backendRefs"]
                other = "stable" if kept["name"] == "canary" else "canary"
                rule["backendRefs"] = [{**kept, "weight": 97}, {**kept, "name": other, "weight": 3}]
    return manifest


def affinity_is_lost(manifest: Object, _feature: str) -> Object:
    """The canary forgets who was there; cookies are set as before."""
    if annotations_of(manifest).get("nginx.ingress.kubernetes.io/affinity"):
        annotations_of(manifest)["nginx.ingress.kubernetes.io/session-cookie-max-age"] = "1"
        annotations_of(manifest).pop("nginx.ingress.kubernetes.io/affinity")
    return manifest


def broken_backend_takes_more(manifest: Object, _feature: str) -> Object:
    """The canary without endpoints gets twice its share."""
    if annotations_of(manifest).get(f"{CANARY}-weight") == "20":
        annotations_of(manifest)[f"{CANARY}-weight"] = "40"
    for rule in rules(manifest, "HTTPRoute"):
        if [backend.get("weight") for backend in rule["backendRefs"]] == [80, 20]:
            rule["backendRefs"][0]["weight"], rule["backendRefs"][1]["weight"] = 60, 40
    return manifest


def pods_end_at_once(manifest: Object, _feature: str) -> Object:
    """Nothing pauses before it ends, and it is killed at once."""
    if manifest["kind"] == "Deployment":
        pod = manifest["spec"]["template"]["spec"]
        for container in pod["containers"]:
            container.pop("lifecycle", None)
    return manifest


def swapped_backend_is_nobody(manifest: Object, feature: str) -> Object:
    """A rule whose backend becomes another leads to nobody first: its Service has no pods."""
    if not feature.endswith("update.zero-loss"):
        return manifest
    if manifest["kind"] == "Service" and manifest["metadata"]["name"] == "two":
        manifest["spec"]["selector"] = {"app": "nobody"}
        manifest["metadata"]["labels"] = {NEVER_READY: "true"}
    return manifest


def new_objects_have_another_class(manifest: Object, feature: str) -> Object:
    """What is made later belongs to nobody: it is never served."""
    if feature.endswith(".propagation") and manifest["metadata"]["name"].startswith("made-"):
        if manifest["kind"] == "Ingress":
            manifest["spec"]["ingressClassName"] = "nobodys"
        if manifest["kind"] == "HTTPRoute":
            manifest["spec"]["parentRefs"][0]["name"] = "nobodys"
    return manifest


@contextmanager
def controller_is_recreated(cluster: Cluster) -> Iterator[None]:
    """Its Deployments, and those that Envoy Gateway makes for Gateways, end an old pod before they start a new one."""
    api = ClusterApi(cluster.kubeconfig)
    found = describe(cluster.controllers[0])
    paths = [f"/apis/apps/v1/namespaces/{found.namespace}/deployments/{name}" for name in found.deployments]
    before = {path: dict(api.get(path)["spec"]["strategy"]) for path in paths}

    def put(path: str, spec: Object) -> None:
        api.request("PATCH", path, {"spec": spec}, "application/merge-patch+json")

    with contextlib.ExitStack() as stack:
        for path in paths:
            put(path, {"strategy": {"type": "Recreate", "rollingUpdate": None}})
            stack.callback(put, path, {"strategy": before[path]})
        if found.name == "envoy-gateway":
            proxies = f"/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{found.namespace}/envoyproxies/proxies"
            put(proxies, made_with({"type": "Recreate"}))
            stack.callback(put, proxies, made_with(None))
        yield


def made_with(strategy: Object | None) -> Object:
    """Of an EnvoyProxy: the strategy of the Deployments that it is for; nothing for the default."""
    return {"provider": {"kubernetes": {"envoyDeployment": {"strategy": strategy}}}}


MUTANTS = (
    Mutant(
        name="canary-header-value-is-another",
        breaks="Canaries wait for another value of their header.",
        caught_by=("can.header-value",),
        scope=(HEADER, COOKIE),
        modes=MODES,
        change=header_value_is_another,
    ),
    Mutant(
        name="canary-header-pattern-has-no-start",
        breaks="Patterns of headers match in the middle, too.",
        caught_by=("can.header-pattern",),
        scope=(HEADER, COOKIE),
        modes=MODES,
        change=pattern_has_no_start,
    ),
    Mutant(
        name="canary-cookie-is-another",
        breaks="Canaries listen to another cookie.",
        caught_by=("can.cookie", "can.order"),
        scope=(COOKIE, HEADER),
        modes=MODES,
        change=cookie_is_another,
    ),
    Mutant(
        name="canary-header-is-deaf-beside-a-cookie",
        breaks="Canaries by header and cookie hear the cookie alone.",
        caught_by=("can.order",),
        scope=(COOKIE, HEADER),
        modes=MODES,
        change=header_is_deaf_beside_a_cookie,
    ),
    Mutant(
        name="canary-ramp-stays-behind",
        breaks="A canary's step to 50 % stays at 25 %.",
        caught_by=("can.ramp",),
        scope=(RAMP,),
        modes=MODES,
        change=steps_stay_at_half,
    ),
    Mutant(
        name="canary-end-is-not-the-end",
        breaks="Of what is promoted or given up by HTTPRoute, 3 % go to the other.",
        caught_by=("can.abort",),
        scope=(RAMP,),
        modes=MODES,
        change=ends_lead_elsewhere,
    ),
    Mutant(
        name="canary-affinity-is-lost",
        breaks="No Ingress has session affinity.",
        caught_by=("can.sticky",),
        scope=("suites/canary/test_sticky.py", HEADER),
        modes=MODES,
        change=affinity_is_lost,
    ),
    Mutant(
        name="canary-broken-backend-takes-more",
        breaks="A canary without endpoints gets twice its share.",
        caught_by=("can.broken-backend",),
        scope=("suites/canary/test_broken_backend.py", HEADER),
        modes=MODES,
        controllers=("traefik", "contour", "envoy-gateway", "istio-from-source"),  # ingress-nginx spares every request
        change=broken_backend_takes_more,
    ),
    Mutant(
        name="backends-end-at-once",
        breaks="A backend's pods do not pause before they end.",
        caught_by=("ing.backend.rollout.zero-loss", "gw.backend.rollout.zero-loss"),
        scope=(*ROLLOUT, "suites/ingress/test_host.py"),
        modes=MODES,
        change=pods_end_at_once,
    ),
    Mutant(
        name="swapped-backend-is-nobody",
        breaks="The backend that a rule is led to has no pods.",
        caught_by=("ing.update.zero-loss", "gw.update.zero-loss"),
        scope=("suites/ingress/test_update.py", "suites/gateway/test_update.py", *ROLLOUT),
        modes=MODES,
        change=swapped_backend_is_nobody,
    ),
    Mutant(
        name="new-routes-belong-to-nobody",
        breaks="Ingresses and HTTPRoutes that are made later have another class, or another Gateway.",
        caught_by=("ing.propagation", "gw.propagation"),
        scope=("suites/ingress/test_propagation.py", "suites/gateway/test_propagation.py"),
        modes=MODES,
        change=new_objects_have_another_class,
    ),
    Mutant(
        name="controller-is-recreated",
        breaks="The controller's old pod ends before the new one starts.",
        caught_by=("ing.controller.restart", "gw.controller.restart"),
        scope=("suites/ingress/test_restart.py", "suites/gateway/test_restart.py"),
        modes=MODES,
        during=controller_is_recreated,
    ),
)
