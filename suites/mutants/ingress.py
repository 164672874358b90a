"""Ingresses and what they rest on, broken on purpose. kube-proxy's mode makes no difference to them: one is enough.

Those that act while the checks run are admission policies of the API server: what it stores is not what it was given.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from clusters.controllers.description import describe
from clusters.provider import Cluster
from fixtures.api import Api
from fixtures.client_identity import with_arguments

from .model import During, Mutant, Object
from .routes import paths, rules

MODES = ("nftables",)
Started = tuple[Sequence[str], Mapping[str, str]]
"""Arguments and variables."""
POLICIES = "admissionregistration.k8s.io/v1"


def altered(
    name: str, *, group: str, resource: str, operations: list[str], when: str, becomes: str = "", patched: str = ""
) -> During:
    """While the checks run, the API server stores objects of a resource otherwise, where ``when`` holds: merged with
    what ``becomes`` says, or as the list of JSON patches ``patched`` says. All three are CEL.

    https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
    """
    mutation: Object = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": becomes}}
    if patched:
        mutation = {"patchType": "JSONPatch", "jsonPatch": {"expression": patched}}
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": [resource]}
    policy = {
        "apiVersion": POLICIES,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [{"name": "when", "expression": when}],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "IfNeeded",
            "mutations": [mutation],
        },
    }
    binding = {
        "apiVersion": POLICIES,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }

    def during(cluster: Cluster) -> AbstractContextManager[None]:
        return in_force(cluster, [policy, binding])

    return during


@contextmanager
def in_force(cluster: Cluster, objects: list[Object]) -> Iterator[None]:
    api = Api(cluster.kubeconfig, cluster.scratch)
    try:
        for made in objects:
            api.apply(made, "")
        yield
    finally:
        for made in objects:
            api.delete(made["apiVersion"], made["kind"], made["metadata"]["name"], "")
        api.close()


def started(**how: Started) -> During:
    """While the checks run, the controller is started with other arguments and variables, each by its own name."""

    @contextmanager
    def during(cluster: Cluster) -> Iterator[None]:
        arguments, environment = how[cluster.controllers[0]]
        description = describe(cluster.controllers[0])
        api = Api(cluster.kubeconfig, cluster.scratch)
        try:
            with with_arguments(api, description.namespace, description.deployments[0], arguments, environment):
                yield
        finally:
            api.close()

    return during


def websocket_backend_upgrades_nothing(manifest: Object, _feature: str) -> Object:
    """Its Service leads to a server that takes HTTP/2 only."""
    if manifest["kind"] == "Service" and manifest["metadata"]["name"] == "websocket":
        manifest["spec"]["ports"][0]["targetPort"] = 3001
    return manifest


def websocket_timeouts_are_not_told(manifest: Object, _feature: str) -> Object:
    """An Ingress that says how long an idle websocket lives says nothing of it."""
    if manifest["kind"] == "Ingress" and manifest["metadata"]["name"].startswith("websocket-"):
        manifest["metadata"].pop("annotations", None)
    return manifest


def nobody_is_told_of_grpc(manifest: Object, _feature: str) -> Object:
    if manifest["metadata"]["name"] == "grpc":
        manifest["metadata"].pop("annotations", None)
        for port in manifest["spec"].get("ports", []):
            port.pop("appProtocol", None)
    return manifest


def specific_path_is_another(manifest: Object, _feature: str) -> Object:
    for path in paths(manifest):
        if path["pathType"] == "ImplementationSpecific":
            path["path"] = f"/elsewhere{path['path']}"
    return manifest


def named_ports_change_places(manifest: Object, _feature: str) -> Object:
    """The ports of a Service that has two change their names."""
    ports = manifest["spec"].get("ports", []) if manifest["kind"] == "Service" else []
    if len(ports) == 2:
        ports[0]["name"], ports[1]["name"] = ports[1]["name"], ports[0]["name"]
    return manifest


def last_path_leads_where_the_first_does(manifest: Object, _feature: str) -> Object:
    for rule in rules(manifest, "Ingress"):
        found = rule["http"]["paths"]
        if len(found) > 5:
            found[-2]["backend"] = copy.deepcopy(found[1]["backend"])
    return manifest


def annotation_of_old_is_for_another(manifest: Object, _feature: str) -> Object:
    if manifest["kind"] == "Ingress" and manifest["metadata"]["name"] == "annotated":
        manifest["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "of-a-stranger"
    return manifest


def what_comes_later_is_bad_too(manifest: Object, _feature: str) -> Object:
    """The Ingress that comes after a bad one shares its fault. Of the checks only one is made to wait for that."""
    if manifest["kind"] == "Ingress" and manifest["metadata"]["name"] in {"later", "later-missing-service"}:
        for path in paths(manifest):
            path["backend"]["service"]["name"] = "nowhere"
    return manifest


MUTANTS = (
    Mutant(
        name="ingress-specific-path-is-another",
        breaks="Every ImplementationSpecific path of an Ingress is another one.",
        caught_by=("ing.path.implementation-specific",),
        scope=("suites/ingress/test_path_implementation_specific.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        change=specific_path_is_another,
    ),
    Mutant(
        name="ingress-named-ports-change-places",
        breaks="The two ports of a Service have each other's names.",
        caught_by=("ing.port.named",),
        scope=("suites/ingress/test_backends.py",),
        modes=MODES,
        change=named_ports_change_places,
    ),
    Mutant(
        name="ingress-one-of-many-paths-leads-elsewhere",
        breaks="In an Ingress with many paths, the last but one leads where the second does.",
        caught_by=("ing.backend.many",),
        scope=("suites/ingress/test_backends.py",),
        modes=MODES,
        change=last_path_leads_where_the_first_does,
    ),
    Mutant(
        name="ingress-without-a-class-gets-a-strangers",
        breaks="The API server gives every new Ingress that names no class one that nobody serves.",
        caught_by=("ing.class.default",),
        scope=("suites/ingress/test_class_default.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        during=altered(
            "roadtest-class-of-a-stranger",
            group="networking.k8s.io",
            resource="ingresses",
            operations=["CREATE"],
            when="object.metadata.name == 'without-class' || object.metadata.name == 'of-two'",
            becomes="Object{spec: Object.spec{ingressClassName: 'of-a-stranger'}}",
        ),
    ),
    Mutant(
        name="ingress-annotation-of-old-is-for-another",
        breaks="The annotation kubernetes.io/ingress.class of an Ingress names a class that nobody serves.",
        caught_by=("ing.class.legacy-annotation",),
        scope=("suites/ingress/test_class_legacy_annotation.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        change=annotation_of_old_is_for_another,
    ),
    Mutant(
        name="ingress-status-tells-another-address",
        breaks="Whatever address is written into the status of an Ingress, another one is stored.",
        caught_by=("ing.status.address",),
        scope=("suites/ingress/test_status_address.py", "suites/ingress/test_backends.py"),
        modes=MODES,
        during=altered(
            "roadtest-another-address",
            group="networking.k8s.io",
            resource="ingresses/status",
            operations=["UPDATE"],
            when="has(object.status.loadBalancer) && has(object.status.loadBalancer.ingress)"
            " && object.metadata.name == 'published'",
            becomes="Object{status: Object.status{loadBalancer: Object.status.loadBalancer{ingress: ["
            "Object.status.loadBalancer.ingress{ip: '192.0.2.1'}]}}}",
        ),
    ),
    Mutant(
        name="ingress-websocket-timeouts-are-not-told",
        breaks="No Ingress says how long an idle websocket lives.",
        caught_by=("ing.websocket",),
        scope=("suites/ingress/test_protocols.py",),
        modes=MODES,
        controllers=("ingress-nginx",),
        change=websocket_timeouts_are_not_told,
    ),
    Mutant(
        name="ingress-websocket-backend-upgrades-nothing",
        breaks="The Service of a websocket leads to a server that knows no websockets.",
        caught_by=("ing.websocket",),
        scope=("suites/ingress/test_protocols.py",),
        modes=MODES,
        change=websocket_backend_upgrades_nothing,
    ),
    Mutant(
        name="ingress-nobody-is-told-of-grpc",
        breaks="A gRPC backend is announced as one of HTTP/1.1.",
        caught_by=("ing.grpc",),
        scope=("suites/ingress/test_protocols.py",),
        modes=MODES,
        change=nobody_is_told_of_grpc,
    ),
    Mutant(
        name="controller-speaks-no-http-2",
        breaks="The controller is started without HTTP/2.",
        caught_by=("ing.http2", "ing.grpc"),
        scope=("suites/ingress/test_protocols.py",),
        modes=MODES,
        controllers=("traefik",),
        during=started(traefik=((), {"GODEBUG": "http2server=0"})),
    ),
    Mutant(
        name="controller-trusts-forged-headers",
        breaks="The controller takes what any client writes into X-Forwarded-* for the truth.",
        caught_by=("ing.client-ip", "gw.client-ip"),
        scope=("suites/client_identity/test_forwarded_headers.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        controllers=("traefik",),
        during=started(traefik=(("--entrypoints.web.forwardedheaders.insecure=true",), {})),
    ),
    Mutant(
        name="load-balancer-masquerades-always",
        breaks="A LoadBalancer Service with externalTrafficPolicy Local is stored with Cluster.",
        caught_by=("ing.client-ip", "gw.client-ip"),
        scope=("suites/client_identity/test_client_address.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        during=altered(
            "roadtest-masquerades-always",
            group="",
            resource="services",
            operations=["UPDATE"],
            when="object.spec.type == 'LoadBalancer'",
            becomes="Object{spec: Object.spec{externalTrafficPolicy: 'Cluster'}}",
        ),
    ),
    Mutant(
        name="load-balancer-hides-every-client",
        breaks="Every LoadBalancer Service that is made hides its clients: externalTrafficPolicy Cluster.",
        caught_by=("ann.limit-rps", "ann.limit-connections"),
        scope=("suites/annotations/test_limits.py",),
        modes=MODES,
        during=altered(
            "roadtest-hides-every-client",
            group="",
            resource="services",
            operations=["CREATE", "UPDATE"],
            when="object.spec.type == 'LoadBalancer'",
            becomes="Object{spec: Object.spec{externalTrafficPolicy: 'Cluster'}}",
        ),
    ),
    Mutant(
        name="controller-is-never-told-of-proxy-headers",
        breaks="Whoever tells the controller to read PROXY protocol headers is not heard.",
        caught_by=("ing.proxy-protocol", "gw.proxy-protocol"),
        scope=("suites/client_identity/test_proxy_protocol.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        controllers=("traefik",),
        during=altered(
            "roadtest-no-proxy-headers",
            group="apps",
            resource="deployments",
            operations=["UPDATE"],
            when="object.spec.template.spec.containers[0].?args.orValue([]).exists(a, a.contains('proxyprotocol'))",
            patched="[JSONPatch{op: 'replace', path: '/spec/template/spec/containers/0/args', value: "
            "object.spec.template.spec.containers[0].args.filter(a, !a.contains('proxyprotocol'))}]",
        ),
    ),
    Mutant(
        name="ingress-what-comes-after-a-bad-one-is-bad",
        breaks="What comes after an Ingress without a Service has none, too.",
        caught_by=("ing.isolation.bad-object",),
        scope=("suites/ingress/test_bad_object.py", "suites/ingress/test_status_address.py"),
        modes=MODES,
        change=what_comes_later_is_bad_too,
    ),
)
