"""``create`` and ``delete``."""

from __future__ import annotations

import argparse
import time
from typing import Any, get_args

from . import dns_domain, families, lifecycle, records
from .cli_views import pairs
from .controllers import describe, described, not_verified
from .embedded.addresses import SUBNETS
from .errors import ClusterError, UsageError
from .existing import options as existing_options
from .progress import progress_for_terminal
from .provider import MODES, Channel, Cluster, ClusterSpec

DEFAULT_NAME = "roadtest"


def add_changes(verbs: Any) -> None:
    """Add both verbs to a parser's."""
    spec = ClusterSpec(name=DEFAULT_NAME)
    create = verbs.add_parser(
        "create",
        help="bring a cluster up",
        description="Bring a real cluster up: control plane, nodes, CoreDNS, MetalLB, Gateway API definitions.",
        epilog=f"Modes: {', '.join(MODES)}. Providers: auto, {', '.join(lifecycle.providers())}. {controllers_told()}",
    )
    create.add_argument("--name", default=spec.name, help="its name, unique on this machine (default %(default)s)")
    create.add_argument(
        "--mode", default="", help=f"kube-proxy's mode (default {spec.mode}; of an existing cluster: as it is)"
    )
    create.add_argument("--provider", default=spec.provider, help="where it comes from (default %(default)s)")
    create.add_argument("--nodes", type=int, default=spec.nodes, metavar="N", help="how many (default %(default)s)")
    create.add_argument(
        *("--controller", "--controllers"),
        action="append",
        default=[],
        metavar="NAME",
        help="install this ingress or Gateway controller; may be given several times",
    )
    create.add_argument(
        *("--gateway-api",),
        default=spec.gateway_api,
        choices=get_args(Channel),
        help="channel of the Gateway API's definitions (default %(default)s)",
    )
    create.add_argument(
        *("--api-port",),
        type=int,
        default=spec.api_port,
        metavar="PORT",
        help="loopback port of the API server (default: a free one)",
    )
    create.add_argument(
        *("--patience",),
        type=float,
        default=spec.patience,
        metavar="FACTOR",
        help="wait so many times as long for every step, on a slow machine (default %(default)g)",
    )
    families.add(create)
    for what in ("node", "pod", "service"):
        usual = " or ".join(found[what] for found in SUBNETS.values())
        create.add_argument(
            f"--{what}-subnet", default="", metavar="CIDR", help=f"one of each family (default {usual})"
        )
    dns_domain.add(create)
    existing_options.add(create)
    create.set_defaults(run=run_create)

    delete = verbs.add_parser(
        "delete",
        help="remove clusters, also half-made ones",
        description="Remove everything of a cluster: processes, namespaces, mounts, cgroups, files. Safe to repeat.",
    )
    delete.add_argument("names", nargs="*", metavar="NAME")
    delete.add_argument("--all", action="store_true", help="every cluster of this machine")
    delete.set_defaults(run=run_delete)


def controllers_told() -> str:
    """Every controller, those that we have never run as such."""
    left = not_verified()
    have = [name for name in described() if name not in left]
    told = f"Controllers: {', '.join(have)}."
    if made_here := [name for name in left if describe(name).image]:
        told += f" Not verified yet: {', '.join(made_here)}."
    if elsewhere := [name for name in left if describe(name).charts]:
        told += f" Not verified here, tried where their registries answer: {', '.join(elsewhere)}."
    if existing := [name for name in left if describe(name).existing_only]:
        told += f" Not verified here, on existing clusters only: {', '.join(existing)}."
    return told


def run_create(asked: argparse.Namespace) -> int:
    spec = ClusterSpec(
        name=asked.name,
        provider=asked.provider,
        mode=asked.mode or "iptables",
        existing=existing_options.taken(asked, asked.mode),
        nodes=asked.nodes,
        controllers=[name for names in asked.controller for name in names.split(",") if name],
        gateway_api=asked.gateway_api,
        families=families.chosen(asked.families, there_already=asked.provider == existing_options.NAME),
        node_subnet=asked.node_subnet,
        pod_subnet=asked.pod_subnet,
        service_subnet=asked.service_subnet,
        dns_domain=dns_domain.chosen(asked.dns_domain, there_already=asked.provider == existing_options.NAME),
        api_port=asked.api_port,
        patience=asked.patience,
    )
    began = time.monotonic()
    with progress_for_terminal() as progress:
        cluster = lifecycle.create(spec, progress)
    if cluster.provider == "existing":
        pairs(f"The cluster of {cluster.conditions['context']}", cluster.versions | cluster.conditions)
    print(summary(cluster, time.monotonic() - began))
    return 0


def summary(cluster: Cluster, seconds: float) -> str:
    """What a user needs to go on."""
    if cluster.provider == "existing":
        return "\n".join(
            [
                f"cluster {cluster.name}: on record; nothing was made or changed in it",
                f"  judge it: ./noxw -s conformance -- --cluster {cluster.name}",
                f"  details:  {records.COMMAND} describe {cluster.name}",
                f"  forget:   {records.removal(cluster.name)} (takes away what we made there, and nothing else)",
            ]
        )
    controllers = "".join(f", {name}" for name in cluster.controllers)
    return "\n".join(
        [
            f"cluster {cluster.name}: {len(cluster.nodes)} nodes, kube-proxy in mode {cluster.mode}{controllers}; "
            f"all Ready after {seconds:.1f} s ({cluster.provider_reason})",
            f"  kubectl:  export KUBECONFIG={cluster.kubeconfig}",
            f"  a client: {records.COMMAND} shell {cluster.name} --at {cluster.clients[0].name}",
            f"  remove:   {records.removal(cluster.name)}",
        ]
    )


def run_delete(asked: argparse.Namespace) -> int:
    if asked.all == bool(asked.names):
        raise UsageError("Say which clusters to remove.", "Name them, or use --all.")
    known = lifecycle.names()
    failed: list[ClusterError] = []
    for name in known if asked.all else dict.fromkeys(asked.names):
        began = time.monotonic()
        try:
            lifecycle.delete(name)
        except ClusterError as error:
            failed.append(error)
            continue
        what = f"removed in {time.monotonic() - began:.1f} s" if name in known else "there was nothing to remove"
        print(f"cluster {name}: {what}")
    if failed:
        raise ClusterError("\n".join(str(error) for error in failed))
    return 0
