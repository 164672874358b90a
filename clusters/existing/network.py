"""The ranges, the cluster's DNS, the classes of controllers and the Gateway API's definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clusters.addons.api import ApiError
from clusters.families import Family

from .capabilities import Class
from .nodes import SYSTEM, by_family
from .reading import Object, Reader

DNS_PLACES = ((SYSTEM, "kube-dns"), (SYSTEM, "rke2-coredns-rke2-coredns"), ("openshift-dns", "dns-default"))
NO_ADDRESS: Mapping[Family, str] = {"IPv4": "192.0.2.1", "IPv6": "2001:db8::1"}
"""Of no cluster's range (RFC 5737, RFC 3849)."""
DEFAULT = "ingressclass.kubernetes.io/is-default-class"
GATEWAY_API = "gateway.networking.k8s.io"
GATEWAY_KINDS = ("GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "BackendTLSPolicy", "ListenerSet", "ReferenceGrant")
"""Kinds that not every version and channel of the definitions has."""
BUNDLE, CHANNEL = "gateway.networking.k8s.io/bundle-version", "gateway.networking.k8s.io/channel"


def service_subnets(reader: Reader, namespace: str, families: Sequence[Family]) -> dict[Family, str]:
    """The one range of cluster IPs in each family: from its object, or from the words that refuse an address out of it.

    Of a family that has several (https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/), none.
    """
    ranges = [
        str(text)
        for item in reader.items("ServiceCIDRs", "/apis/networking.k8s.io/v1/servicecidrs")
        for text in item["spec"].get("cidrs", [])
    ]
    found: dict[Family, str] = {}
    for family in families:
        own = [text for text in ranges if family in by_family([text])]
        if not own:
            _, refusal = tried(reader, namespace, clusterIP=NO_ADDRESS[family], ipFamilies=[family])
            told = re.search(r"range of valid IPs is ([\da-f.:]+/\d+)", refusal)
            own = [told[1]] if told and family in by_family([told[1]]) else []
        if len(own) == 1:
            found[family] = own[0]
    return found


def service_families(reader: Reader, namespace: str) -> tuple[list[Family], bool]:
    """The families that a Service gets when it prefers two, and that this is all; else those of the cluster's first
    Service, which has one of maybe two.
    """
    preferred, _ = tried(reader, namespace, ipFamilyPolicy="PreferDualStack")
    if told := preferred.get("ipFamilies"):
        return list(told), True
    found = reader.one("Service default/kubernetes", "/api/v1/namespaces/default/services/kubernetes") or {}
    spec = found.get("spec", {})
    return list(spec.get("ipFamilies") or by_family(spec.get("clusterIPs", []))), False


def tried(reader: Reader, namespace: str, **wanted: object) -> tuple[Object, str]:
    """What a Service would be, by a dry run; or the words that refuse it."""
    asking: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"generateName": "roadtest-", "namespace": namespace},
        "spec": {**wanted, "ports": [{"port": 80}]},
    }
    try:
        made = reader.api.request("POST", f"/api/v1/namespaces/{namespace}/services?dryRun=All", asking)
    except ApiError as error:
        return {}, str(error)
    return made.get("spec", {}), ""


def dns(reader: Reader) -> tuple[str, str]:
    """Address and domain of the cluster's DNS, each empty where it is not to be seen."""
    address = ""
    for namespace, name in DNS_PLACES:
        found = reader.one("the cluster's DNS", f"/api/v1/namespaces/{namespace}/services/{name}")
        if found is not None:
            address = str(found["spec"].get("clusterIP", ""))
            break
    configuration = reader.one("CoreDNS's configuration", f"/api/v1/namespaces/{SYSTEM}/configmaps/coredns") or {}
    domain = re.search(r"^\s*kubernetes\s+([\w.-]+)", configuration.get("data", {}).get("Corefile", ""), re.M)
    return address, domain[1] if domain else ""


def ingress_classes(reader: Reader) -> list[Class]:
    items = reader.items("IngressClasses", "/apis/networking.k8s.io/v1/ingressclasses")
    return [
        Class(
            name=item["metadata"]["name"],
            controller=item["spec"].get("controller", ""),
            default=item["metadata"].get("annotations", {}).get(DEFAULT) == "true",
            age=item["metadata"].get("creationTimestamp", ""),
        )
        for item in items
    ]


def gateway_classes(reader: Reader) -> list[Class]:
    items = reader.items("GatewayClasses", "/apis/gateway.networking.k8s.io/v1/gatewayclasses")
    return [
        Class(
            name=item["metadata"]["name"],
            controller=item["spec"]["controllerName"],
            age=item["metadata"].get("creationTimestamp", ""),
            unserved=unserved(item),
        )
        for item in items
    ]


def unserved(gateway_class: Object) -> str:
    """Why a GatewayClass is not accepted: whoever serves it must say that it does.

    https://gateway-api.sigs.k8s.io/reference/api-types/gatewayclass/#gatewayclass-status
    """
    conditions = gateway_class.get("status", {}).get("conditions", [])
    accepted: Object = next((one for one in conditions if one["type"] == "Accepted"), {})
    if accepted.get("status") == "True":
        return ""
    return f"its condition Accepted is {accepted.get('status', 'missing')} ({accepted.get('message') or 'no message'})"


def gateway_api(reader: Reader) -> str:
    """``v1.6.3, standard channel, without TCPRoute``; from the definitions' annotations, or what is served."""
    told = definitions(reader)
    groups = reader.one("Gateway API", f"/apis/{GATEWAY_API}") or {}
    paths = [f"/apis/{version['groupVersion']}" for version in groups.get("versions", [])]
    served = {one["kind"] for path in paths for one in (reader.one("Gateway API", path) or {}).get("resources", [])}
    missing = [kind for kind in GATEWAY_KINDS if kind not in served]
    return f"{told}, without {', '.join(missing)}" if told and served and missing else told


def definitions(reader: Reader) -> str:
    """Version and channel of the definitions; empty where there are none."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io"
    notes = (reader.one("Gateway API's definitions", path) or {}).get("metadata", {}).get("annotations", {})
    if notes.get(BUNDLE):
        return f"{notes[BUNDLE]}, {notes.get(CHANNEL, 'unknown')} channel"
    served = reader.one("Gateway API", "/apis/gateway.networking.k8s.io")
    return "served, version not visible" if served else ""
