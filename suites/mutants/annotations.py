"""Recipes broken on purpose: what they ask for is not asked for, or another number, or of everybody.

kube-proxy's mode makes no difference to them: one is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .model import Mutant, Object

MODES = ("nftables",)
LIMITS = "suites/annotations/test_limits.py"
ASKING = (
    "nginx.ingress.kubernetes.io/",
    "traefik.ingress.kubernetes.io/",
    "projectcontour.io/",
    "ingress.kubernetes.io/",
)
"""What annotations that ask a controller for something begin with."""
PLAIN = {"conditions", "services", "matches", "backendRefs", "name"}
"""Of a route, what says where it leads; everything else asks for something."""
POLICIES = {"BackendTrafficPolicy", "SecurityPolicy", "DestinationRule", "EnvoyFilter"}
AIMED = {"targetRefs", "host"}
"""Of a policy, what says whom it is for."""
LARGER = {
    "proxy-body-size": "8193",
    "limit-rps": "20",
    "limit-connections": "4",
    "proxy-read-timeout": "7",
    "proxy-connect-timeout": "9",
    "proxy-send-timeout": "7",
    "maxRequestBodyBytes": 8193,
    "average": 20,
    "amount": 4,
    "responseHeaderTimeout": "7s",
    "dialTimeout": "9s",
    "connectTimeout": "9s",
    "streamIdleTimeout": "7s",
    "idle": "7s",
    "idle_timeout": "7s",
    "response": "7s",
    "projectcontour.io/response-timeout": "7s",
    "requests": 20,
    "limit": 8193,
    "requestTimeout": "7s",
    "request": "7s",
    "max_request_bytes": 8193,
    "max_tokens": 20,
    "tokens_per_fill": 20,
}
"""Numbers of recipes, by the last part of what they are called, and in the place of each one that is larger."""
EVERYBODY = {
    "cors-allow-origin": "https://evil.example.net",
    "accessControlAllowOriginList": ["https://evil.example.net"],
    "allowOrigin": ["https://evil.example.net"],
    "allowOrigins": ["https://evil.example.net"],
    "whitelist-source-range": "0.0.0.0/0",
    "sourceRange": ["0.0.0.0/0"],
    "clientCIDRs": ["0.0.0.0/0"],
    "notRemoteIpBlocks": ["0.0.0.0/0"],
    "cidr": "0.0.0.0/0",
}
SAYS_NO, SAYS_YES = "/status/401", "/status/200"


def asks_for_nothing(manifest: Object, _feature: str) -> Object:
    """What stands in a recipe beside the way to the backend is gone: annotations, filters, what policies hold."""
    annotations = manifest["metadata"].get("annotations", {})
    for name in [name for name in annotations if name.startswith(ASKING)]:
        del annotations[name]
    if manifest["kind"] == "Ingress":
        manifest["spec"].pop("tls", None)  # with it ingress-nginx redirects, asked or not
    if manifest["kind"] in {"HTTPRoute", "HTTPProxy"}:
        asked_by_route(manifest["spec"])
    if manifest["kind"] == "AuthorizationPolicy":
        manifest["spec"] |= {"action": "ALLOW", "rules": [{}]}
    elif manifest["kind"] in POLICIES:
        manifest["spec"] = {name: value for name, value in manifest["spec"].items() if name in AIMED}
    return manifest


def asked_by_route(spec: Object) -> None:
    """A rule that led nowhere leads to the backend that everybody has; a host keeps its name alone."""
    host = spec.get("virtualhost", {})
    for name in [name for name in host if name not in {"fqdn", "tls"}]:
        del host[name]
    for rule in [*spec.get("rules", []), *spec.get("routes", [])]:
        for name in [name for name in rule if name not in PLAIN]:
            del rule[name]
        if "rules" in spec:
            rule.setdefault("backendRefs", [{"name": "web", "port": 80}])
        else:
            rule.setdefault("services", [{"name": "web", "port": 80}])
            rule["permitInsecure"] = True


def values(part: Any, put: Callable[[str, Any], Any]) -> Any:
    """Each value of a manifest as ``put`` has it, given what it is called."""
    if isinstance(part, dict):
        return {name: values(put(name.rpartition("nginx.ingress.kubernetes.io/")[2], value), put)
                for name, value in part.items()}  # fmt: skip
    return [values(item, put) for item in part] if isinstance(part, list) else part


def limits_are_larger(manifest: Object, _feature: str) -> Object:
    def larger(name: str, value: Any) -> Any:
        return LARGER.get(name, value) if not isinstance(value, dict) else value

    return manifest if manifest["kind"] in {"Deployment", "Service"} else dict(values(manifest, larger))


def bursts_are_all_alike(manifest: Object, _feature: str) -> Object:
    """Every burst is that of the multiplier 2."""
    alike = {"limit-burst-multiplier": "2", "burst": 20, "max_tokens": 20}
    if manifest["kind"] == "HTTPProxy":
        for route in manifest["spec"]["routes"]:
            if "rateLimitPolicy" in route:
                route["rateLimitPolicy"]["local"]["burst"] = 10
        return manifest
    return dict(values(manifest, alike.get))


def everybody_is_let_in(manifest: Object, _feature: str) -> Object:
    def opened(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return EVERYBODY.get(name, value.replace(SAYS_NO, SAYS_YES))
        return EVERYBODY.get(name, value)

    return dict(values(manifest, opened))


def redirects_lead_elsewhere(manifest: Object, _feature: str) -> Object:
    def moved(name: str, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace("elsewhere.example.org/new", "elsewhere.example.org/old")
        return "/old" if name in {"replaceFullPath", "path"} and value == "/new" else value

    return dict(values(manifest, moved))


def exact_paths_are_prefixes_of_all(manifest: Object, _feature: str) -> Object:
    """What was exact takes every path: also what a pattern, a slash or dots would have led to."""
    for rule in manifest["spec"].get("rules", []) if manifest["kind"] in {"Ingress", "HTTPRoute"} else []:
        for path in rule.get("http", {}).get("paths", []):
            if path["pathType"] == "Exact":
                path.update(path="/", pathType="Prefix")
        for match in rule.get("matches", []):
            if match.get("path", {}).get("type") == "Exact":
                match["path"] = {"type": "PathPrefix", "value": "/"}
    return manifest


def pattern_is_literal(manifest: Object, _feature: str) -> Object:
    manifest["metadata"].get("annotations", {}).pop("nginx.ingress.kubernetes.io/use-regex", None)
    for rule in manifest["spec"].get("rules", []) if manifest["kind"] == "HTTPRoute" else []:
        for match in rule.get("matches", []):
            if manifest["metadata"]["name"] == "pattern" and match["path"]["type"] == "RegularExpression":
                match["path"] = {"type": "PathPrefix", "value": "/u"}
    return manifest


def normal_path_is_another(manifest: Object, _feature: str) -> Object:
    """The path that every other spelling stands for is not there."""
    for rule in manifest["spec"].get("rules", []) if manifest["metadata"]["name"] == "normal" else []:
        for path in rule.get("http", {}).get("paths", []):
            path["path"] = "/another"
        for match in rule.get("matches", []):
            match["path"]["value"] = "/another"
    return manifest


MUTANTS = (
    Mutant(
        name="recipe-asks-for-nothing",
        breaks="Recipes lead to their backends, and ask for nothing besides.",
        caught_by=(
            "ann.rewrite-target",
            "ann.ssl-redirect",
            "ann.proxy-body-size",
            "ann.limit-rps",
            "ann.limit-burst-multiplier",
            "ann.limit-connections",
            "ann.connect-read-send-timeouts",
            "ann.cors",
            "ann.configuration-snippet",
            "ann.auth-url-signin",
            "ann.affinity-cookie",
            "ann.whitelist",
            "ann.permanent-redirect",
            "ann.upstream-hash-by",
        ),
        scope=("suites/annotations",),
        modes=MODES,
        change=asks_for_nothing,
    ),
    Mutant(
        name="recipe-limits-are-larger",
        breaks="A body may be a byte larger, there is a connection more, twice the rate, and more than twice the time.",
        caught_by=(
            "ann.proxy-body-size",
            "ann.limit-rps",
            "ann.limit-connections",
            "ann.connect-read-send-timeouts",
            "ann.limit-burst-multiplier",
        ),
        scope=(LIMITS, "suites/annotations/test_timeouts.py", "suites/annotations/test_headers.py"),
        modes=MODES,
        change=limits_are_larger,
    ),
    Mutant(
        name="recipe-bursts-are-all-alike",
        breaks="Every burst is twice the limit, whatever multiplier is asked for.",
        caught_by=("ann.limit-burst-multiplier",),
        scope=(LIMITS,),
        modes=MODES,
        change=bursts_are_all_alike,
    ),
    Mutant(
        name="recipe-lets-everybody-in",
        breaks="Every address is of the range, the foreign origin is the allowed one, and nobody is sent away.",
        caught_by=("ann.cors", "ann.whitelist", "ann.auth-url-signin"),
        scope=("suites/annotations/test_headers.py", "suites/annotations/test_access.py"),
        modes=MODES,
        change=everybody_is_let_in,
    ),
    Mutant(
        name="recipe-redirects-lead-elsewhere",
        breaks="What is redirected for good is redirected to another path.",
        caught_by=("ann.permanent-redirect",),
        scope=("suites/annotations/test_redirects.py",),
        modes=MODES,
        change=redirects_lead_elsewhere,
    ),
    Mutant(
        name="quirk-exact-paths-take-everything",
        breaks="Exact paths beside a pattern or a rewrite, and exact paths with a slash, take every path.",
        caught_by=("quirk.regex-host-wide", "quirk.rewrite-implies-regex", "quirk.trailing-slash"),
        scope=("suites/annotations/test_quirks.py",),
        modes=MODES,
        change=exact_paths_are_prefixes_of_all,
    ),
    Mutant(
        name="quirk-pattern-is-literal",
        breaks="The path that is a pattern is taken as it is written.",
        caught_by=("quirk.regex-prefix-and-case",),
        scope=("suites/annotations/test_quirks.py",),
        modes=MODES,
        change=pattern_is_literal,
    ),
    Mutant(
        name="quirk-normal-path-is-another",
        breaks="The path that dots and slashes are resolved to is not there.",
        caught_by=("quirk.url-normalisation",),
        scope=("suites/annotations/test_quirks.py",),
        modes=MODES,
        change=normal_path_is_another,
    ),
)
