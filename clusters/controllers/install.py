"""Installs a controller from its folder: applies its manifests, and waits until it can be sent traffic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.addons.install import Manifests, is_rolled_out
from clusters.addons.install import apply as apply_definitions_first
from clusters.errors import ClusterError

from .description import describe
from .manifests import definitions, manifests
from .trouble import trouble


def apply(api: ClusterApi, name: str, *, check: Callable[[], None] = lambda: None, patience: float = 1.0) -> None:
    """Put a controller on a cluster; `UsageError` lists the right names where it is not one."""
    every = Manifests(definitions=definitions(name), objects=manifests(name))
    apply_definitions_first(api, every, check=check, patience=patience)


def wait(api: ClusterApi, name: str, *, seconds: float, check: Callable[[], None] = lambda: None) -> None:
    """Wait until a controller's pods are Ready, and its Service, where it has one, has an address.

    `ClusterError` with what its pods wait for, and their last lines.
    """
    try:
        wait_for_all(api, name, seconds=seconds, check=check)
    except ApiError:
        raise
    except ClusterError as error:
        raise ClusterError(error.cause, f"{error.cure}\n{trouble(api, describe(name).namespace)}".strip()) from error


def wait_for_all(api: ClusterApi, name: str, *, seconds: float, check: Callable[[], None]) -> None:
    controller = describe(name)
    workloads = [("Deployment", one) for one in controller.deployments]
    workloads += [("DaemonSet", one) for one in controller.daemonsets]
    for kind, workload in workloads:
        path = f"/apis/apps/v1/namespaces/{controller.namespace}/{kind.lower()}s/{workload}"
        wait_until(
            partial(is_rolled_out, api, path),
            what=f"The {kind} {workload} of {controller.title} becoming Available",
            seconds=seconds,
            check=check,
        )
    if controller.service:
        wait_until(
            lambda: bool(address(api, name)),
            what=f"The Service {controller.service} of {controller.title} getting an address",
            seconds=seconds,
            check=check,
        )


def address(api: ClusterApi, name: str) -> str:
    """The address by which traffic enters a controller; empty while it has none."""
    controller = describe(name)
    service = api.get(f"/api/v1/namespaces/{controller.namespace}/services/{controller.service}")
    entries = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return str(entries[0].get("ip") or entries[0].get("hostname") or "") if entries else ""
