"""IP families, by the names that Kubernetes' API has for them, and the orders of them that a cluster may have.

https://kubernetes.io/docs/concepts/services-networking/dual-stack/
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Literal

from clusters.errors import UsageError

Family = Literal["IPv4", "IPv6"]
FAMILIES: tuple[Family, ...] = ("IPv4", "IPv6")
DEFAULT = "ipv4"
ADDRESS_RECORD: Mapping[Family, str] = {"IPv4": "A", "IPv6": "AAAA"}
"""Type of the DNS records that hold addresses."""
SOCKET_FAMILY: Mapping[Family, int] = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}
NFT_FAMILY: Mapping[Family, str] = {"IPv4": "ip", "IPv6": "ip6"}
EVERYTHING: Mapping[Family, str] = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
"""A default route's destination."""


def family_of(address: str) -> Family:
    """The family of an address, subnet or ``first-last`` range; `ValueError` for what is none."""
    text = address.partition("/")[0].partition("-")[0].strip()
    return "IPv4" if ipaddress.ip_address(text).version == 4 else "IPv6"


def at(address: str) -> str:
    """An address as it stands in a URL: IPv6 in brackets (RFC 3986, section 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def end_of(address: str, port: int | str) -> str:
    """One end of a connection as it is told: ``10.96.0.10:53``, ``[fd00::a]:53``."""
    return f"{at(address)}:{port}"


def socket_family(address: str) -> int:
    """What `socket.socket` takes for an address."""
    return SOCKET_FAMILY[family_of(address)]


def told(families: Sequence[Family]) -> str:
    """For a person: ``IPv4``, ``IPv4+IPv6``."""
    return "+".join(families)


def add(parser: argparse.ArgumentParser) -> None:
    """The option that chooses them."""
    parser.add_argument(
        "--families",
        default="",
        metavar="FAMILIES",
        help=f"ipv4, ipv6, or both with a comma: a Service that asks for none gets the first (default {DEFAULT})",
    )


def chosen(text: str, *, there_already: bool = False) -> list[Family]:
    """The families of an option (``ipv4,ipv6``), the primary one first; `UsageError` for what is none, and where the
    cluster is there already: it has those that it has.
    """
    if text and there_already:
        raise UsageError("--families is for a cluster that is made; one that is there has its own.", "Leave it out.")
    by_name = {family.lower(): family for family in FAMILIES}
    words = [word.strip().lower() for word in (text or DEFAULT).split(",") if word.strip()]
    unknown = [word for word in words if word not in by_name]
    if unknown or not words or len(set(words)) != len(words):
        raise UsageError(
            f"--families {text!r} does not name IP families.",
            "Use ipv4, ipv6, or both with a comma: a Service that asks for none gets the first.",
        )
    return [by_name[word] for word in words]
