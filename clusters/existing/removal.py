"""Takes away what we put on somebody's cluster: by our label, and nothing without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from clusters.addons.api import ApiError, ClusterApi, root_of
from clusters.provider import Cluster

LABEL = "roadtest.dev/record"
"""On everything that we make on a cluster that is not ours; its value is one record's own."""
Kind = tuple[str, str]
"""Version and name in addresses: ``apps/v1``, ``deployments``."""
KINDS: tuple[Kind, ...] = (
    ("apps/v1", "deployments"),
    ("apps/v1", "statefulsets"),
    ("apps/v1", "daemonsets"),
    ("v1", "pods"),
    ("networking.k8s.io/v1", "ingresses"),
    ("gateway.networking.k8s.io/v1", "httproutes"),
    ("gateway.networking.k8s.io/v1", "gateways"),
    ("v1", "services"),
    ("discovery.k8s.io/v1", "endpointslices"),
    ("v1", "endpoints"),
    ("v1", "secrets"),
    ("v1", "configmaps"),
)
"""What checks mostly put into a namespace, makers first; what others make of it goes with it."""
CLUSTER_KINDS = (("networking.k8s.io/v1", "ingressclasses"), ("gateway.networking.k8s.io/v1", "gatewayclasses"))
TENANTS = KINDS[:8]
"""Kinds that make a namespace somebody's home."""
HIDDEN = frozenset({403, 404, 405})
NOBODYS = frozenset({"kubernetes"})


def remove(api: ClusterApi, cluster: Cluster, selector: str = "") -> None:
    """Delete what has the record's label (or another ``selector``): namespaces whole, our objects in those of others,
    and outside of namespaces what the user let us make."""
    selector = selector or ",".join(f"{key}={value}" for key, value in cluster.labels.items())
    if not selector:
        raise ValueError("without a label everything would be ours")
    every = served(api) if cluster.namespaces else []
    for namespace in cluster.namespaces:
        clear(api, namespace, selector, every)
    if not cluster.namespaces:
        delete_all(api, "/api/v1/namespaces", selector)
    if cluster.owned:
        for version, plural in CLUSTER_KINDS:
            delete_all(api, f"{root_of(version)}/{plural}", selector)


def served(api: ClusterApi) -> list[Kind]:
    """Every kind of the cluster that lies in namespaces and can be listed and deleted, workloads first."""
    found = list(KINDS)
    for version in [
        "v1",
        *(group["preferredVersion"]["groupVersion"] for group in api.get("/apis").get("groups") or []),
    ]:
        try:
            resources = api.get(root_of(version)).get("resources") or []
        except ApiError:  # an API of somebody's own that does not answer holds nothing of ours
            continue
        found += [
            (version, str(part["name"]))
            for part in resources
            if part["namespaced"] and "/" not in part["name"] and {"list", "delete"} <= set(part.get("verbs", []))
        ]
    return list(dict.fromkeys(found))


def clear(api: ClusterApi, namespace: str, selector: str, kinds: Iterable[Kind] = KINDS) -> None:
    """Delete what a selector chooses in one namespace."""
    for version, plural in kinds:
        delete_all(api, f"{root_of(version)}/namespaces/{namespace}/{plural}", selector)


def delete_all(api: ClusterApi, path: str, selector: str) -> None:
    """Delete each object of a list that the selector chooses; kinds that are not served or not visible have none."""
    for name in named(api, path, selector):
        try:
            api.request("DELETE", f"{path}/{name}", {"propagationPolicy": "Background"})
        except ApiError as error:
            if error.status not in {404, 409}:  # gone, or going
                raise


def in_order(kind: Kind) -> int:
    """What makes others goes before what it makes; kinds that are not foreseen go last."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def named(api: ClusterApi, path: str, selector: str = "") -> Iterator[str]:
    try:
        found = api.get(f"{path}?labelSelector={quote(selector)}" if selector else path)
    except ApiError as error:
        if error.status in HIDDEN:
            return
        raise
    yield from [str(item["metadata"]["name"]) for item in found.get("items") or []]


def unusable(api: ClusterApi, namespace: str) -> str:
    """Why nothing can be put into a namespace, in the API's words to a Service that is not stored (``dryRun=All``):
    who may not look at namespaces learns so that there is none. Empty where it can."""
    trial = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"generateName": "roadtest-"},
        "spec": {"ports": [{"port": 80}]},
    }
    try:
        api.request("POST", f"/api/v1/namespaces/{namespace}/services?dryRun=All", trial)
    except ApiError as error:
        return error.cause.rpartition("dryRun=All: ")[2].rstrip(".")
    return ""


def inhabitants(api: ClusterApi, namespace: str, kinds: Sequence[tuple[str, str]] = TENANTS) -> list[str]:
    """What lives in a namespace, as ``services/web``."""
    return [
        f"{plural}/{name}"
        for version, plural in kinds
        for name in named(api, f"{root_of(version)}/namespaces/{namespace}/{plural}")
        if name not in NOBODYS
    ]


def left(api: ClusterApi, namespace: str, selector: str, kinds: Iterable[Kind] = KINDS) -> list[str]:
    """What the selector still finds in a namespace."""
    return [
        name
        for version, plural in kinds
        for name in named(api, f"{root_of(version)}/namespaces/{namespace}/{plural}", selector)
    ]
