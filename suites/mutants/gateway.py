"""Gateways and their routes broken on purpose, a mutant for each behaviour; what Ingresses have too is in `routes`."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Change, Mutant, Object
from .routes import MODES, listeners, matches, rules

ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute")


def backends(manifest: Object) -> Iterator[Object]:
    """The backends of a route of any kind."""
    for kind in ROUTES:
        for rule in rules(manifest, kind):
            yield from rule.get("backendRefs", [])


def filters(manifest: Object, kind: str) -> Iterator[Object]:
    """What the filters of one type of an HTTPRoute say."""
    field = {"URLRewrite": "urlRewrite", "CORS": "cors"}.get(kind, f"{kind[0].lower()}{kind[1:]}")
    for rule in rules(manifest, "HTTPRoute"):
        for found in rule.get("filters", []):
            if found["type"] == kind:
                yield found[field]


def class_names_another_controller(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "GatewayClass" and not manifest["spec"]["controllerName"].endswith("/nobody"):
        manifest["spec"]["controllerName"] = "roadtest.dev/nobody-else"
    return manifest


def wildcard_takes_one_name(manifest: Object, _feature: str) -> Object:
    """The routes' wildcards become the name ``any`` below the same domain."""
    if manifest["kind"] == "HTTPRoute":
        names = manifest["spec"].get("hostnames", [])
        manifest["spec"]["hostnames"] = [f"any.{name[2:]}" if name.startswith("*.") else name for name in names]
    return manifest


def bad_listeners_become_good(manifest: Object, _feature: str) -> Object:
    for number, listener in enumerate(listeners(manifest)):
        if listener["protocol"] == "roadtest.dev/nobodys":
            listener |= {"protocol": "HTTP", "port": 80, "hostname": f"listener-{number}.test"}
        listener.get("allowedRoutes", {}).pop("kinds", None)
    return manifest


def same_admits_all(manifest: Object, _feature: str) -> Object:
    for listener in listeners(manifest):
        listener.setdefault("allowedRoutes", {"namespaces": {"from": "All"}})
    return manifest


def grants_name_no_service(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "ReferenceGrant":
        for part in manifest["spec"]["to"]:
            part.pop("name", None)
    return manifest


def section_names_are_dropped(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "HTTPRoute":
        for parent in manifest["spec"]["parentRefs"]:
            parent.pop("sectionName", None)
    return manifest


def queries_match_another_value(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        for found in match.get("queryParams", []):
            found["value"] = f"{found['value']}-not"
    return manifest


def methods_are_dropped(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        match.pop("method", None)
    return manifest


def second_header_does_not_count(manifest: Object, _feature: str) -> Object:
    for match in matches(manifest):
        del match.get("headers", [])[1:]
    return manifest


def older_route_gives_way(manifest: Object, _feature: str) -> Object:
    """The routes of the pairs that are made first leave their hosts to the ones that come later."""
    if manifest["kind"] == "HTTPRoute" and manifest["metadata"]["name"].endswith("-older"):
        manifest["spec"]["hostnames"][0] = "given-up.example"
    return manifest


def set_headers_are_added(manifest: Object, _feature: str) -> Object:
    for kind in ("RequestHeaderModifier", "ResponseHeaderModifier"):
        for found in filters(manifest, kind):
            if "set" in found:
                found["add"] = [*found.get("add", []), *found.pop("set")]
    return manifest


def redirects_are_302(manifest: Object, _feature: str) -> Object:
    for found in filters(manifest, "RequestRedirect"):
        found["statusCode"] = 302
    return manifest


def rewrites_lead_elsewhere(manifest: Object, _feature: str) -> Object:
    for found in filters(manifest, "URLRewrite"):
        path = found.get("path", {})
        if path.get("replacePrefixMatch"):
            path["replacePrefixMatch"] = "/elsewhere"
    return manifest


def mirrors_are_dropped(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "HTTPRoute"):
        if "filters" in rule:
            rule["filters"] = [found for found in rule["filters"] if found["type"] != "RequestMirror"]
    return manifest


def timeouts_are_longer(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "HTTPRoute"):
        for kind in rule.get("timeouts", {}):
            rule["timeouts"][kind] = "5s"
    return manifest


def one_retry_less(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "HTTPRoute"):
        if "retry" in rule:
            rule["retry"]["attempts"] -= 1
    return manifest


def cors_allows_other_origins(manifest: Object, _feature: str) -> Object:
    for found in filters(manifest, "CORS"):
        found["allowOrigins"] = ["https://other.test"]
    return manifest


def a_thousandth_is_nothing(manifest: Object, _feature: str) -> Object:
    """A weight of less than a hundredth of the sum becomes 0."""
    for rule in rules(manifest, "HTTPRoute"):
        split = rule.get("backendRefs", [])
        for backend in split:
            if 0 < 100 * backend.get("weight", 1) < sum(one.get("weight", 1) for one in split):
                backend["weight"] = 0
    return manifest


def grpc_methods_are_dropped(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "GRPCRoute"):
        for match in rule.get("matches", []):
            if "service" in match["method"]:
                match["method"].pop("method", None)
    return manifest


def tcp_weights_are_even(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "TCPRoute"):
        for backend in rule["backendRefs"]:
            backend["weight"] = 1
    return manifest


def udp_goes_to_another_port(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "UDPRoute"):
        for backend in rule["backendRefs"]:
            backend["port"] += 1
    return manifest


def application_protocols_are_dropped(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Service":
        for port in manifest["spec"]["ports"]:
            port.pop("appProtocol", None)
    return manifest


def missing_backends_are_there(manifest: Object, _feature: str) -> Object:
    for backend in backends(manifest):
        if backend["name"] == "of-nobody":
            backend["name"] = "one"
    return manifest


def mutant(name: str, breaks: str, caught_by: str, scope: str, change: Change) -> Mutant:
    """A mutant that changes manifests; the features and the files of `suites/gateway` are words."""
    return Mutant(
        name=name,
        breaks=breaks,
        caught_by=tuple(f"gw.{one}" for one in caught_by.split()),
        scope=tuple(f"suites/gateway/test_{one}.py" for one in scope.split()),
        modes=MODES,
        change=change,
    )


MUTANTS = (
    mutant(
        "gatewayclass-names-another-controller",
        "A class that should name the controller under test names another one.",
        "class.accepted",
        "class http_listener",
        class_names_another_controller,
    ),
    mutant(
        "route-wildcard-takes-one-name",
        "A route's wildcard hostname is one name of that domain.",
        "listener.hostname-wildcard listener.status",
        "listeners",
        wildcard_takes_one_name,
    ),
    mutant(
        "bad-listeners-become-good",
        "The listeners of an unknown protocol and of unknown kinds are ordinary ones.",
        "listener.status",
        "listener_status listeners",
        bad_listeners_become_good,
    ),
    mutant(
        "listener-same-admits-all",
        "A listener that takes routes from its own namespace by default takes them from all.",
        "allowed-routes.same",
        "allowed_routes_same allowed_routes_selector",
        same_admits_all,
    ),
    mutant(
        "grants-name-no-service",
        "A ReferenceGrant to one Service is a grant to all of the namespace.",
        "reference-grant",
        "reference_grant route_query",
        grants_name_no_service,
    ),
    mutant(
        "section-names-are-dropped",
        "Routes to one listener attach to all of them.",
        "section-name listener.status",
        "listeners",
        section_names_are_dropped,
    ),
    mutant(
        "httproute-queries-match-another-value",
        "Every query parameter match of an HTTPRoute waits for another value.",
        "route.query",
        "route_query route_method",
        queries_match_another_value,
    ),
    mutant(
        "httproute-methods-are-dropped",
        "Rules for a method take every method.",
        "route.method",
        "route_method route_query",
        methods_are_dropped,
    ),
    mutant(
        "httproute-second-header-does-not-count",
        "Of a rule's headers only the first is matched, so that rules with more of them go no longer first.",
        "route.precedence",
        "route_precedence route_query",
        second_header_does_not_count,
    ),
    mutant(
        "older-of-two-routes-gives-way",
        "Of two routes for a host the one that was made first does not have it.",
        "route.precedence",
        "route_precedence route_method",
        older_route_gives_way,
    ),
    mutant(
        "header-filters-add-instead-of-set",
        "A header that is set is added to what is there.",
        "filter.header",
        "filter_header filter_redirect",
        set_headers_are_added,
    ),
    mutant(
        "redirects-are-all-302",
        "Every redirect has the status 302.",
        "filter.redirect",
        "filter_redirect filter_rewrite",
        redirects_are_302,
    ),
    mutant(
        "rewrites-lead-elsewhere",
        "A prefix is rewritten to another one.",
        "filter.rewrite",
        "filter_rewrite filter_redirect",
        rewrites_lead_elsewhere,
    ),
    mutant(
        "mirrors-are-dropped",
        "No request is mirrored.",
        "filter.mirror",
        "filter_mirror filter_header",
        mirrors_are_dropped,
    ),
    mutant(
        "timeouts-are-longer",
        "Time-outs are ten times as long.",
        "timeout",
        "timeout filter_header",
        timeouts_are_longer,
    ),
    mutant(
        "one-retry-less",
        "A request is tried again once less than the rule says.",
        "retry",
        "retry timeout",
        one_retry_less,
    ),
    mutant(
        "cors-allows-other-origins",
        "The rule allows another origin than it should.",
        "cors",
        "cors filter_header",
        cors_allows_other_origins,
    ),
    mutant(
        "weight-of-a-thousandth-is-nothing",
        "A backend with a tiny weight has none.",
        "route.weight",
        "route_weight route_query",
        a_thousandth_is_nothing,
    ),
    mutant(
        "grpc-methods-are-dropped",
        "Rules for a method of a gRPC service take all of its methods.",
        "grpc.service-method",
        "grpc route_query",
        grpc_methods_are_dropped,
    ),
    mutant(
        "tcp-weights-are-even",
        "The backends of a TCPRoute have one weight.",
        "tcp",
        "tcp http_listener",
        tcp_weights_are_even,
    ),
    mutant(
        "udp-goes-to-another-port",
        "A UDPRoute names a port that its Service does not have.",
        "udp",
        "udp http_listener",
        udp_goes_to_another_port,
    ),
    mutant(
        "application-protocols-are-dropped",
        "No Service says how its backends are to be spoken to.",
        "backend.protocol",
        "backend_protocol filter_header",
        application_protocols_are_dropped,
    ),
    mutant(
        "missing-backends-are-there",
        "Routes to a Service that there is not lead to one that there is.",
        "status.truth",
        "status_truth route_query",
        missing_backends_are_there,
    ),
)
