"""A cluster on paper: what a test says of it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clusters.provider import Cluster


def a_cluster(**said: Any) -> Cluster:
    """The handle of a cluster that nobody made, without places and addresses unless they are said."""
    fields: dict[str, Any] = {
        "name": "c",
        "provider": "embedded",
        "provider_reason": "asked for",
        "mode": "nftables",
        "kubeconfig": Path("kubeconfig"),
        "state": Path("state"),
        "nodes": [],
        "clients": [],
        "servers": [],
        "pod_subnet": "",
        "service_subnet": "",
        "load_balancer_pool": "",
        "dns_address": "",
    }
    return Cluster(**{**fields, **said})
