"""The command-line options that say which existing cluster is meant and what may be done to it."""

from __future__ import annotations

import argparse
from pathlib import Path

from clusters.pod_security import LEVELS
from clusters.provider import ExistingSpec

NAME = "existing"
TITLE = "a cluster that is there already (--provider existing)"


def add(parser: argparse.ArgumentParser) -> None:
    """Add them to a parser, in a group of their own."""
    group = parser.add_argument_group(TITLE)
    group.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: $KUBECONFIG, else ~/.kube/config")
    group.add_argument("--context", default="", metavar="NAME", help="of the kubeconfig; default: the current one")
    group.add_argument(
        "--client-pod", action="store_true", help="a pod is the client, not this machine: its address is inside"
    )
    group.add_argument(
        "--i-own-this-cluster",
        action="store_true",
        dest="owned",
        help="allow objects outside our namespaces, host-network pods, what disturbs others, and load",
    )
    group.add_argument(
        "--namespace",
        action="append",
        default=[],
        dest="namespaces",
        metavar="NAME",
        help="use this empty namespace instead of making any; repeatable: one for the senders, one for each worker",
    )
    group.add_argument("--ingress-class", default="", metavar="NAME", help="judge the controller of this IngressClass")
    group.add_argument("--gateway-class", default="", metavar="NAME", help="judge the controller of this GatewayClass")
    group.add_argument(
        "--controller-address",
        default="",
        metavar="ADDRESS",
        help="where Ingress traffic enters; default: what the Ingresses' status says",
    )
    group.add_argument(
        "--pod-security",
        default="",
        choices=["", *LEVELS],
        metavar="LEVEL",
        help="label the namespaces we make with it",
    )


def taken(asked: argparse.Namespace, mode: str = "") -> ExistingSpec:
    """What they say."""
    return ExistingSpec(
        kubeconfig=asked.kubeconfig,
        context=asked.context,
        owned=asked.owned,
        client_pod=asked.client_pod,
        mode=mode,
        ingress_class=asked.ingress_class,
        gateway_class=asked.gateway_class,
        namespaces=asked.namespaces,
        pod_security=asked.pod_security,
        controller_address=asked.controller_address,
    )


def given(asked: ExistingSpec) -> bool:
    """Whether the user said any of them: they mean nothing for other providers."""
    return asked != ExistingSpec(mode=asked.mode)
