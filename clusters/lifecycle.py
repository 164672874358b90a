"""Making, finding and removing clusters, whatever provides them."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from . import records, system_packages
from .embedded import EmbeddedProvider
from .errors import MachineError, UsageError
from .existing import ExistingProvider, options
from .kind import KindProvider
from .progress import Progress, SilentProgress
from .provider import MODES, Cluster, ClusterSpec, Provider


@functools.cache
def providers() -> Mapping[str, Provider]:
    """Every provider by its name."""
    every: tuple[Provider, ...] = (EmbeddedProvider(), KindProvider(), ExistingProvider())
    return {provider.name: provider for provider in every}


def choose(asked: str) -> tuple[Provider, str]:
    """The provider for ``auto`` or a name, and why it is this one. `UsageError` lists the right names."""
    known = providers()
    if asked == "auto":
        found, why = known["kind"], KindProvider().trouble()
        if why:
            return known["embedded"], f"auto: {why}, so embedded"
        return found, "auto: a Docker engine answers and a node image can be had, so kind"
    if asked not in known:
        raise UsageError(f"There is no provider called {asked!r}.", f"Choose one of: auto, {', '.join(known)}.")
    return known[asked], f"{asked} was asked for"


def check(spec: ClusterSpec) -> tuple[Provider, str]:
    """The provider for what is asked, and why it is this one.

    `UsageError` for a name that is none, listing the right ones; `MachineError` where this user or machine cannot run
    that provider at all.
    """
    from . import controllers  # noqa: PLC0415 - only a creation needs them

    if spec.mode not in MODES:
        raise UsageError(f"kube-proxy has no mode {spec.mode!r}.", f"Choose one of: {', '.join(MODES)}.")
    described = [controllers.describe(name) for name in spec.controllers]
    controllers.no_class_twice(spec.controllers)
    provider, reason = choose(spec.provider)
    for controller in described if provider.name != "existing" else []:
        if controller.existing_only:
            raise UsageError(
                f"{controller.title} is judged on existing clusters only: {controller.existing_only}",
                "Name one that has it: --provider existing --kubeconfig FILE (docs/existing-clusters.md).",
            )
    if options.given(spec.existing) and provider.name != "existing":
        raise UsageError(
            "--kubeconfig, --context and the options beside them are for clusters that are there already.",
            "Add --provider existing.",
        )
    if unavailable := provider.unavailable():
        raise MachineError(unavailable)
    if provider.name != "existing":
        for name in spec.controllers:
            controllers.check(name)
    return provider, reason


def lacks_mode(spec: ClusterSpec) -> str:
    """Why no cluster in this kube-proxy mode can run here, with what to do; empty where one can be tried."""
    provider, _ = check(spec)
    try:
        provider.check_mode(spec.mode)
    except MachineError as error:
        return str(error)
    return ""


def create(spec: ClusterSpec, progress: Progress | None = None) -> Cluster:
    """Bring a cluster up. Its controllers are installed and served, its add-ons Ready.

    `UsageError` for what cannot be, `MachineError` for what this machine lacks, `ClusterError` for what did not come
    up; nothing of the cluster is left then.
    """
    provider, reason = check(spec)
    told = progress or SilentProgress()
    for purpose in [*provider.packages, *(["ipvs"] if provider.packages and spec.mode == "ipvs" else [])]:
        system_packages.ensure(told, system_packages.packages_of_programs(purpose))
    cluster = msgspec.structs.replace(provider.create(with_channel(spec), told), provider_reason=reason)
    records.save(cluster)
    return cluster


def with_channel(spec: ClusterSpec) -> ClusterSpec:
    """What is asked for, with the Gateway API's channel that its controllers need; experimental has all of standard."""
    from .controllers import describe  # noqa: PLC0415 - as above

    claims = [describe(name).gateway for name in spec.controllers]
    needs = any(claim is not None and claim.channel == "experimental" for claim in claims)
    return msgspec.structs.replace(spec, gateway_api="experimental") if needs else spec


def load(name: str) -> Cluster:
    """The cluster on record; `ClusterError` lists those that are where there is none of that name."""
    return records.load(name)


def delete(name: str) -> None:
    """Remove everything of a cluster, also of a half-made or killed one. Nothing to remove is no error."""
    provider_named(records.provider(name)).delete(name)


def names() -> list[str]:
    """Names of all clusters, also of half-made ones."""
    return sorted({name for provider in providers().values() for name in provider.names()})


def provider_for(cluster: Cluster) -> Provider:
    """The provider that a cluster came from."""
    return provider_named(cluster.provider)


def provider_named(name: str) -> Provider:
    # A cluster without a record is a half-made embedded one: the other providers mark theirs first.
    return providers()[name or "embedded"]
