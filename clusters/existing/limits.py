"""What checks may need and this cluster does not give, or we may not do to it: each with its reason, as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.families import Family
from clusters.needs import Need, within
from clusters.provider import Classes, ExistingSpec

from .capabilities import Capabilities
from .nodes import ALL_SERVICES, CONFIG_MAPS, KUBE_PROXY_CONFIG, METALLB

OWN = "--i-own-this-cluster"


def limits(
    seen: Capabilities,
    asked: ExistingSpec,
    classes: Classes | None,
    *,
    unreached: Mapping[Family, str],
    here: Mapping[Family, str],
) -> dict[str, str]:
    """Need → why not. ``unreached``: why this machine does not reach the nodes; ``here``: its own addresses."""
    found: dict[str, str] = {
        Need.OUTSIDE_SERVER: "An existing cluster gives no server host outside whose DNS server it asks.",
        Need.SECOND_CLIENT: "It needs a second outside client, and there is only this machine.",
    }
    if asked.client_pod:
        pod = "It needs a client outside of the cluster, and --client-pod makes it a pod."
        found |= {Need.OUTSIDE_CLIENT: pod, Need.SECOND_CLIENT: pod}
    elif set(here.values()) & {address for node in seen.nodes for address in node.addresses.values()}:
        found[Need.OUTSIDE_CLIENT] = "It needs a client outside of the cluster, and this machine is one of its nodes."
    for family, why in unreached.items():
        told = f"This machine does not reach the nodes ({why}); --client-pod would."
        found[within(Need.NODE_PORTS, family)] = told
        if family not in here:
            found[within(Need.OUTSIDE_CLIENT, family)] = told
    return (
        found
        | of_load_balancers(seen, asked, unreached)
        | of_families(seen)
        | of_cluster(seen, classes)
        | of_permission(seen, asked)
    )


def of_load_balancers(seen: Capabilities, asked: ExistingSpec, unreached: Mapping[Family, str]) -> dict[str, str]:
    """What is behind addresses of MetalLB's: on the nodes' own network, where this machine is not."""
    found: dict[str, str] = {}
    for family, why in unreached.items() if seen.load_balancer.value == METALLB else ():
        told = f"LoadBalancer addresses are MetalLB's, on the nodes' network, which this machine does not reach ({why})"
        found[within(Need.ADDRESS_POOL, family)] = f"{told}; --client-pod would."
        if not asked.controller_address:
            behind = f"{told}; --client-pod would, or name the way in: --controller-address."
            found |= {within(need, family): behind for need in (Need.INGRESS, Need.GATEWAY, Need.CANARY_INGRESS)}
    return found


def of_families(seen: Capabilities) -> dict[str, str]:
    """Ranges that are not known in a family, and whether the families are all that there are."""
    found: dict[str, str] = {}
    no_pool = f"It needs MetalLB with one visible range of addresses; LoadBalancer: {seen.load_balancer}."
    for family in seen.families:
        if family not in seen.service_subnets:
            why = f"The cluster's {family} range of cluster IPs is not visible, or it has several."
            found[within(Need.SERVICE_RANGE, family)] = why
        if family not in seen.pools:
            found[within(Need.ADDRESS_POOL, family)] = found[Need.ADDRESS_POOLS] = no_pool
    if seen.service_families != seen.families:
        could = " and ".join(seen.service_families) or "nobody knows which IP families"
        why = f"Services of the cluster can have {could}, and not every node has an address of each."
        found |= {Need.SINGLE_STACK: why, Need.DUAL_STACK: why}
    elif not seen.families_told:
        found[Need.SINGLE_STACK] = "Whether the cluster has one IP family or two is not known: a dry run did not tell."
    return found


def of_cluster(seen: Capabilities, classes: Classes | None) -> dict[str, str]:
    """What it does not have, or does not show."""
    found: dict[str, str] = {}
    if not seen.nodes:
        found[Need.NODES] = seen.hidden.get("nodes", "The cluster has no nodes.")
        found[Need.NODE_ACCESS] = found[Need.NODES]
    elif not all(seen.families[0] in node.addresses for node in seen.nodes):
        found[Need.NODES] = f"Some nodes have no internal {seen.families[0]} address."
    if seen.mode == "unknown":
        found[Need.MODE] = f"kube-proxy's mode is unknown: {seen.mode_seen.how}."
    if seen.mode_seen.how != KUBE_PROXY_CONFIG:
        found[Need.KUBE_PROXY] = (
            f"It restarts kube-proxy, which has no ConfigMap {CONFIG_MAPS[0][0]} of kubeadm's to be seen here "
            f"(its mode is known by: {seen.mode_seen.how})."
        )
    if ALL_SERVICES in seen.hidden:
        found[Need.ALL_SERVICES] = seen.hidden[ALL_SERVICES]
    for need, what, name in (
        (Need.INGRESS, "IngressClass", classes.ingress if classes else ""),
        (Need.GATEWAY, "GatewayClass", classes.gateway if classes else ""),
    ):
        if not name:
            told = seen.hidden.get(f"{what}es", f"There is no {what} of the controller under test on this cluster.")
            option = f"--{what.lower().removesuffix('class')}-class NAME"
            found[need] = f"{told} Name one: {option}." if f"{what}es" in seen.hidden else told
    if not (classes and classes.canary_ingress):
        found[Need.CANARY_INGRESS] = (
            "No IngressClass here is known to split traffic by annotations (clusters/controllers/ has what is known)."
        )
    return found


def of_permission(seen: Capabilities, asked: ExistingSpec) -> dict[str, str]:
    """What may not be done, by the user's word, the API's, or the level of Pod Security."""
    found: dict[str, str] = {}
    level = seen.pod_security
    if asked.namespaces:
        found[Need.LABELLED_NAMESPACES] = "It needs namespaces of its own with labels, and --namespace gives others."
        found[Need.NODE_ACCESS] = "Privileged pods are not put into namespaces that are not ours."
    if len(asked.namespaces) == 1:
        found[Need.ANOTHER_NAMESPACE] = "It needs two namespaces, and --namespace gives one."
    found[Need.CONTROLLER] = "It changes the controller's own objects, which is done to controllers of our own only."
    found[Need.CERT_MANAGER] = "cert-manager and an ACME server are put on clusters of our own only."
    found[Need.CUT_OFF] = "It cuts a node off its network, which is done to clusters of our own only."
    found[Need.CLIENT_ROUTES] = "It gives outside clients a route, which is done to clients of our own only."
    found[Need.STEADY_STREAM] = (
        "It sends from a process inside a pod's network, which can be entered in clusters of our own only."
    )
    if not asked.owned:
        found[Need.KUBE_PROXY] = f"It restarts kube-proxy, which takes {OWN}."
        found[Need.CLUSTER_SCOPED] = f"It makes an object outside of our namespaces, which takes {OWN}."
        found[Need.EXTERNAL_IPS] = (
            f"It takes a port at an address, a node's own or another, for the whole cluster, which takes {OWN}."
        )
        found[Need.CATCH_ALL] = f"It takes traffic that no rule of anybody matches, which takes {OWN}."
        found[Need.NODE_ACCESS] = f"It runs commands on the nodes from host-network pods, which takes {OWN}."
        found[Need.HOST_NETWORK] = f"It runs a pod in a node's own network, which takes {OWN}."
    if level in {"baseline", "restricted"}:
        words = f"the Pod Security level {level} does not admit"
        found[Need.NODE_ACCESS] = f"It runs commands on the nodes from host-network pods, which {words}."
        found[Need.HOST_NETWORK] = f"It runs a pod in a node's own network, which {words}."
    return found
