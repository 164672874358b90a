"""The domain of a cluster's own names: ``cluster.local`` where nobody asks for another.

https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

import argparse
import re

from clusters.errors import UsageError

DEFAULT = "cluster.local"
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""https://www.rfc-editor.org/rfc/rfc1123#section-2.1"""
LONGEST = 64
"""Characters: with the names of a Service and its namespace (63 each) before it a name has fewer than the 253 that the
DNS takes (https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)."""


def add(parser: argparse.ArgumentParser) -> None:
    """The option that chooses it."""
    parser.add_argument(
        "--dns-domain", default="", metavar="DOMAIN", help=f"the domain of the cluster's own names (default {DEFAULT})"
    )


def chosen(text: str, *, there_already: bool = False) -> str:
    """The domain of an option; `UsageError` for what is none, and where the cluster is there and has its own."""
    if text and there_already:
        raise UsageError("--dns-domain is for a cluster that is made; one that is there has its own.", "Leave it out.")
    domain = (text or DEFAULT).removesuffix(".")
    if len(domain) > LONGEST or not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise UsageError(
            f"--dns-domain {text!r} is no domain for a cluster.",
            f"Use lower-case letters, digits and dashes between dots, {LONGEST} characters at the most: example.test.",
        )
    return domain


def issuer(domain: str) -> str:
    """Who signs the cluster's service account tokens."""
    return f"https://kubernetes.default.svc.{domain}"
