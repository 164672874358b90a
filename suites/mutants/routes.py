"""Ingresses, Gateways and canaries broken on purpose. kube-proxy's mode makes no difference to them: one is enough."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator

from clusters.controllers.description import describe
from clusters.provider import Cluster
from fixtures.certificates import hosts_of, self_signed
from fixtures.workloads import Namespace

from .model import Mutant, Object

MODES = ("nftables",)
CANARY = "nginx.ingress.kubernetes.io/canary"


def rules(manifest: Object, kind: str) -> Iterator[Object]:
    """The rules of an Ingress or of a route; none of any other kind."""
    if manifest["kind"] == kind:
        yield from manifest["spec"].get("rules", [])


def paths(manifest: Object) -> Iterator[Object]:
    """The paths of an Ingress."""
    for rule in rules(manifest, "Ingress"):
        yield from rule["http"]["paths"]


def matches(manifest: Object) -> Iterator[Object]:
    """The matches of an HTTPRoute."""
    for rule in rules(manifest, "HTTPRoute"):
        yield from rule.get("matches", [])


def listeners(manifest: Object) -> Iterator[Object]:
    if manifest["kind"] == "Gateway":
        yield from manifest["spec"]["listeners"]


def exact_becomes_prefix(manifest: Object, _feature: str) -> Object:
    for path in paths(manifest):
        if path["pathType"] == "Exact":
            path["pathType"] = "Prefix"
    return manifest


def longest_path_loses(manifest: Object, _feature: str) -> Object:
    """On a host with several paths the backends change places, the shortest path's with the longest's."""
    for rule in rules(manifest, "Ingress"):
        found = sorted(rule["http"]["paths"], key=lambda path: len(path["path"]))
        found[0]["backend"], found[-1]["backend"] = found[-1]["backend"], found[0]["backend"]
    return manifest


def hosts_take_what_is_beside(manifest: Object, _feature: str) -> Object:
    """Every exact host also takes the names below it, every wildcard also the name without a label."""
    for rule in list(rules(manifest, "Ingress")):
        if host := rule.get("host", ""):
            wider = copy.deepcopy(rule)
            wider["host"] = host.removeprefix("*.") if host.startswith("*.") else f"*.{host}"
            manifest["spec"]["rules"].append(wider)
    return manifest


def hostless_rule_gets_a_host(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Ingress" and manifest["metadata"]["name"] == "without-host":
        for rule in rules(manifest, "Ingress"):
            rule["host"] = "one-host-only.example"
    return manifest


def default_backend_is_another(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Ingress" and "defaultBackend" in manifest["spec"]:
        manifest["spec"]["defaultBackend"]["service"]["name"] = "ruled"
    return manifest


def tls_secret_holds_another_certificate(manifest: Object, _feature: str) -> Object:
    """The Secret's certificate is for the right host, but another one."""
    if manifest["kind"] == "Secret" and manifest.get("type") == "kubernetes.io/tls":
        (host,) = hosts_of(base64.b64decode(manifest["data"]["tls.crt"]).decode())
        made = self_signed(host)
        for key, value in (("tls.crt", made.certificate), ("tls.key", made.key)):
            manifest["data"][key] = base64.b64encode(value.encode()).decode()
    return manifest


def tls_names_one_secret_for_all(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Ingress":
        for entry in manifest["spec"].get("tls", []):
            entry["secretName"] = manifest["spec"]["tls"][0]["secretName"]
    return manifest


def foreign_class_becomes_ours(cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """The Ingress of another controller's class is given to the controller under test."""
    claim = describe(cluster.controllers[0]).ingress
    if feature.startswith("ing.class.") and claim is not None:
        change = {"spec": {"ingressClassName": claim.class_name}}
        namespace.patch("networking.k8s.io/v1", "Ingress", "foreign", change)


def route_exact_becomes_prefix(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        if match.get("path", {}).get("type") == "Exact":
            match["path"]["type"] = "PathPrefix"
    return manifest


def headers_match_another_value(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        for header in match.get("headers", []):
            header["value"] = f"{header['value']}-not"
    return manifest


def second_header_is_dropped(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        if "headers" in match:
            del match["headers"][1:]
    return manifest


def canary_header_is_another(manifest: Object, _feature: str) -> Object:
    annotations = manifest["metadata"].get("annotations", {})
    if f"{CANARY}-by-header" in annotations:
        annotations[f"{CANARY}-by-header"] = "X-Another"
    return manifest


def weights_off_by_ten(manifest: Object, _feature: str) -> Object:
    """Whatever is split is split ten points off: 10 % becomes 20 %. Weights of 0 and 100 stay."""
    annotations = manifest["metadata"].get("annotations", {})
    weight = int(annotations.get(f"{CANARY}-weight", 0))
    if 0 < weight < 100:
        annotations[f"{CANARY}-weight"] = str(weight + 10)
    for rule in rules(manifest, "HTTPRoute"):
        stable, *others = rule.get("backendRefs", []) or [{}]
        if others and stable.get("weight") and others[0].get("weight"):
            stable["weight"] -= 10
            others[0]["weight"] += 10
    return manifest


def weight_zero_leaks(manifest: Object, _feature: str) -> Object:
    """A weight of 0 becomes 1: one request in a hundred goes where none may."""
    annotations = manifest["metadata"].get("annotations", {})
    if annotations.get(f"{CANARY}-weight") == "0":
        annotations[f"{CANARY}-weight"] = "1"
    for rule in rules(manifest, "HTTPRoute"):
        for backend in rule.get("backendRefs", []):
            if backend.get("weight") == 0:
                backend["weight"] = 1
    return manifest


def listener_takes_every_host_of_the_domain(manifest: Object, _feature: str) -> Object:
    for listener in listeners(manifest):
        if "hostname" in listener:
            listener["hostname"] = f"*.{listener['hostname'].partition('.')[2]}"
    return manifest


def selector_admits_everyone(manifest: Object, _feature: str) -> Object:
    for listener in listeners(manifest):
        if listener.get("allowedRoutes", {}).get("namespaces", {}).get("from") == "Selector":
            listener["allowedRoutes"]["namespaces"] = {"from": "All"}
    return manifest


MUTANTS = (
    Mutant(
        name="ingress-exact-becomes-prefix",
        breaks="Every Exact path of an Ingress is a Prefix path.",
        caught_by=("ing.path.exact",),
        scope=("suites/ingress/test_path_exact.py", "suites/ingress/test_host.py"),
        modes=MODES,
        change=exact_becomes_prefix,
    ),
    Mutant(
        name="ingress-longest-path-loses",
        breaks="On every host with several paths, the longest path leads where the shortest should.",
        caught_by=("ing.path.prefix",),
        scope=("suites/ingress/test_path_prefix.py", "suites/ingress/test_path_exact.py"),
        modes=MODES,
        change=longest_path_loses,
    ),
    Mutant(
        name="ingress-hosts-take-what-is-beside",
        breaks="Exact hosts also take the names below them, wildcards also the bare domain.",
        caught_by=("ing.host", "ing.host.wildcard"),
        scope=("suites/ingress/test_host.py", "suites/ingress/test_path_exact.py", "suites/ingress/test_tls_secret.py"),
        modes=MODES,
        change=hosts_take_what_is_beside,
    ),
    Mutant(
        name="ingress-hostless-rule-gets-a-host",
        breaks="The rule without a host has one.",
        caught_by=("ing.host.none",),
        scope=("suites/ingress/test_no_host.py", "suites/ingress/test_host.py"),
        modes=MODES,
        change=hostless_rule_gets_a_host,
    ),
    Mutant(
        name="ingress-default-backend-is-another",
        breaks="The default backend is the Service that a rule leads to.",
        caught_by=("ing.default-backend",),
        scope=("suites/ingress/test_default_backend.py", "suites/ingress/test_class_name.py"),
        modes=MODES,
        change=default_backend_is_another,
    ),
    Mutant(
        name="ingress-tls-secret-holds-another-certificate",
        breaks="The Secret holds another certificate for the same host.",
        caught_by=("ing.tls.secret",),
        scope=("suites/ingress/test_tls_secret.py", "suites/ingress/test_host.py"),
        modes=MODES,
        change=tls_secret_holds_another_certificate,
    ),
    Mutant(
        name="ingress-tls-names-one-secret-for-all",
        breaks="Every host of an Ingress names the first host's Secret.",
        caught_by=("ing.tls.secret",),
        scope=("suites/ingress/test_tls_secret.py",),
        modes=MODES,
        change=tls_names_one_secret_for_all,
    ),
    Mutant(
        name="ingress-foreign-class-becomes-ours",
        breaks="The Ingress of another controller's class has the class of the controller under test.",
        caught_by=("ing.class.name", "ing.class.foreign"),
        scope=("suites/ingress/test_class_name.py", "suites/ingress/test_host.py"),
        modes=MODES,
        after_ready=foreign_class_becomes_ours,
    ),
    Mutant(
        name="httproute-exact-becomes-prefix",
        breaks="Every Exact path of an HTTPRoute is a PathPrefix.",
        caught_by=("gw.route.path",),
        scope=("suites/gateway/test_route_path.py", "suites/gateway/test_route_header.py"),
        modes=MODES,
        change=route_exact_becomes_prefix,
    ),
    Mutant(
        name="httproute-headers-match-another-value",
        breaks="Every header match of an HTTPRoute waits for another value.",
        caught_by=("gw.route.header", "can.header"),
        scope=(
            "suites/gateway/test_route_header.py",
            "suites/canary/test_header.py",
            "suites/gateway/test_route_path.py",
        ),
        modes=MODES,
        change=headers_match_another_value,
    ),
    Mutant(
        name="httproute-second-header-is-dropped",
        breaks="A rule for two headers at once is a rule for the first one.",
        caught_by=("gw.route.header",),
        scope=("suites/gateway/test_route_header.py", "suites/canary/test_header.py"),
        modes=MODES,
        change=second_header_is_dropped,
    ),
    Mutant(
        name="listener-takes-every-host-of-the-domain",
        breaks="A listener for one hostname is a listener for the whole domain.",
        caught_by=("gw.listener.http",),
        scope=("suites/gateway/test_http_listener.py", "suites/gateway/test_allowed_routes_selector.py"),
        modes=MODES,
        change=listener_takes_every_host_of_the_domain,
    ),
    Mutant(
        name="listener-selector-admits-everyone",
        breaks="A listener that admits namespaces by label admits all of them.",
        caught_by=("gw.allowed-routes.selector",),
        scope=("suites/gateway/test_allowed_routes_selector.py", "suites/gateway/test_http_listener.py"),
        modes=MODES,
        change=selector_admits_everyone,
    ),
    Mutant(
        name="weights-off-by-ten",
        breaks="Every split of traffic is ten points off.",
        caught_by=("gw.route.weight", "can.weight"),
        scope=("suites/gateway/test_route_weight.py", "suites/canary/test_weight.py", "suites/canary/test_header.py"),
        modes=MODES,
        change=weights_off_by_ten,
    ),
    Mutant(
        name="weight-zero-leaks",
        breaks="A weight of 0 is a weight of 1.",
        caught_by=("gw.route.weight", "can.weight"),
        scope=("suites/gateway/test_route_weight.py", "suites/canary/test_weight.py"),
        modes=MODES,
        change=weight_zero_leaks,
    ),
    Mutant(
        name="canary-header-is-another",
        breaks="An Ingress canary listens to another header.",
        caught_by=("can.header",),
        scope=("suites/canary/test_header.py", "suites/gateway/test_route_header.py"),
        modes=MODES,
        change=canary_header_is_another,
    ),
)
