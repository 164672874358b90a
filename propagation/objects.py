"""The Services of the measurement and their EndpointSlices, made by hand: nobody else writes to them."""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object; `Any` because its fields are the API's, not ours."""

PORT, TARGET_PORT = 81, 8081
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
TRIGGERED = "endpoints.kubernetes.io/last-change-trigger-time"
"""Set by Kubernetes' own controller too: kube-proxy's network_programming_duration counts from it.
https://github.com/kubernetes/community/blob/master/sig-scalability/slos/network_programming_latency.md"""


def service(name: str, address: str = "", *, headless: bool = False) -> Object:
    """A Service without selector, at a cluster IP of its own choice where one is given."""
    chosen = {"clusterIP": "None"} if headless else {"clusterIP": address} if address else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {**chosen, "ports": [{"name": "udp", "port": PORT, "protocol": "UDP", "targetPort": TARGET_PORT}]},
    }


def endpoint_slice(service_name: str, *addresses: str) -> Object:
    """The one EndpointSlice of a Service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": service_name,
            "labels": {
                "kubernetes.io/service-name": service_name,
                "endpointslice.kubernetes.io/managed-by": "roadtest",
            },
            "annotations": {TRIGGERED: now()},
        },
        "addressType": "IPv6" if ":" in addresses[0] else "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"name": "udp", "port": TARGET_PORT, "protocol": "UDP"}],
    }


def now() -> str:
    """RFC 3339 with nanoseconds' places, as Go writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
