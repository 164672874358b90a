"""Looks at everything, one after the other, and only looks: each request is a GET, a review or a dry run."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.addons.api import ClusterApi
from clusters.provider import UNKNOWN, ExistingSpec
from clusters.rights import Right, Rights, making

from . import admission, network, nodes
from .capabilities import Capabilities, Seen
from .nodes import ALL_SERVICES
from .reading import Reader

TRIAL_NAMESPACE = "default"
"""Where pods and Services are tried (``dryRun=All``) when the namespaces of the run are not made yet."""
NEEDED = (
    ("pods", ""),
    ("services", ""),
    ("deployments", "apps"),
    ("daemonsets", "apps"),
)
"""What every check makes, itself or by its pods to send from."""
LOOKED_AT = (("list", "statefulsets", "apps"), ("list", "endpointslices", "discovery.k8s.io"))
EXEC, ATTACH = "pods/exec", "pods/attach"
ANYBODY = 65532
"""A user id that is not root's. OpenShift gives each namespace a range of its own, and admits no other."""
EXPLAINING = (("list", "events", ""), ("get", "pods/log", ""))
"""What only the evidence of a failure is made of."""


def needed(namespaces: Sequence[str]) -> list[Right]:
    """The rights without which no check runs."""
    everywhere = tuple(namespaces) or ("",)
    found = [right for resource, group in NEEDED for right in making(resource, group, everywhere)]
    found += [Right(verb, resource, group, one) for one in everywhere for verb, resource, group in LOOKED_AT]
    found += speaking(EXEC, everywhere)
    return found if namespaces else [Right(verb, "namespaces") for verb in ("list", "create", "delete")] + found


def speaking(resource: str, namespaces: Sequence[str]) -> list[Right]:
    """What a WebSocket to a pod takes: it opens with a GET, and newer API servers ask for the right to create, too."""
    return [Right(verb, resource, "", one) for one in namespaces for verb in ("get", "create")]


def explaining(namespaces: Sequence[str]) -> list[Right]:
    return [Right(verb, resource, group, one) for one in namespaces or ("",) for verb, resource, group in EXPLAINING]


def detect(api: ClusterApi, asked: ExistingSpec, *, server: str, context: str, user: str) -> Capabilities:
    """Everything that there is to know before anything is changed."""
    reader = Reader(api)
    version = str(api.get("/version")["gitVersion"])
    every = nodes.nodes(reader)
    balancer, pools = nodes.load_balancer(reader, version, every)
    trial = (asked.namespaces or [TRIAL_NAMESPACE])[0]
    rights = Rights(api)
    lacking = rights.missing(needed(asked.namespaces))
    for sentence in rights.missing([Right("list", "services")]):
        reader.hidden[ALL_SERVICES] = sentence
    may_try = not rights.missing([Right("create", "pods", "", trial)])
    openshift = reader.one("OpenShift's security API", "/apis/security.openshift.io") is not None
    user_of_pods = 0 if openshift else ANYBODY
    level, how = (
        admission.level(reader, trial, own=bool(asked.namespaces), asked=asked.pod_security, user=user_of_pods)
        if may_try
        else ("unknown", f"not known: you may not create pods in {trial}")
    )
    mode = nodes.mode(reader, version, every)
    if asked.mode and nodes.as_mode(mode.value) == UNKNOWN:
        mode = Seen(value=asked.mode, how="as you say; the API does not show it")
    address, domain = network.dns(reader)
    families, told = network.service_families(reader, trial)
    return Capabilities(
        server=server,
        context=context,
        user=user,
        version=version.removeprefix("v"),
        distribution="OpenShift" if openshift else nodes.distribution(version, every),
        nodes=every,
        mode=nodes.as_mode(mode.value),
        mode_seen=mode,
        load_balancer=balancer,
        pools=pools,
        service_subnets=network.service_subnets(reader, trial, families),
        service_families=families,
        families_told=told,
        dns_address=address,
        dns_domain=domain,
        ingress_classes=network.ingress_classes(reader),
        gateway_classes=network.gateway_classes(reader),
        gateway_api=network.gateway_api(reader),
        pod_security=level,
        pod_security_seen=how,
        pods_run_as=user_of_pods,
        hidden=reader.hidden,
        missing=[*lacking, *rights.missing(explaining(asked.namespaces))],
    )
