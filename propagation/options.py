"""What a measurement is asked for, on the command line."""

from __future__ import annotations

import argparse

SERVICES = [10, 1000, 5000]
CHANGES = 50
GATEWAYS, MOST_GATEWAYS = 10, 50
"""Each may get a proxy of its own, whose pods take seconds to start, and an address."""


def add(made: argparse.ArgumentParser) -> None:
    """The options of a measurement."""
    made.add_argument(
        "--services",
        type=numbers,
        default=SERVICES,
        metavar="N,N",
        help=f"measure among so many Services (default {','.join(map(str, SERVICES))})",
    )
    made.add_argument(
        "--changes",
        type=number,
        default=CHANGES,
        metavar="N",
        help=f"of each kind but gateway, each time (default {CHANGES})",
    )
    made.add_argument(
        "--change",
        action="append",
        choices=["service", "endpoint", "dns", "ingress", "httproute", "gateway"],
        help="only this kind (repeatable; default: service, endpoint and dns; the others take a controller)",
    )
    made.add_argument(
        "--gateways",
        type=few,
        default=GATEWAYS,
        metavar="N",
        help=f"with --change gateway: so many, one after another (default {GATEWAYS}, at most {MOST_GATEWAYS}): a "
        "controller may start a proxy for each, which takes its time on a small machine",
    )


def numbers(text: str) -> list[int]:
    """``10,1000`` → ``[10, 1000]``."""
    return [number(part) for part in text.split(",")]


def number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 20_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 20000")
    return int(text)


def few(text: str) -> int:
    if number(text) > MOST_GATEWAYS:
        raise argparse.ArgumentTypeError(f"{text} Gateways are more than {MOST_GATEWAYS}: each may get a proxy")
    return int(text)


def words(services: list[int], changes: int, kinds: list[str] | None, gateways: int) -> list[str]:
    """The same as words of a command line."""
    chosen = [word for kind in kinds or [] for word in ("--change", kind)]
    counts = ["--services", ",".join(map(str, services)), "--changes", str(changes), "--gateways", str(gateways)]
    return [*counts, *chosen]
