"""What a measurement is asked for, on the command line."""

from __future__ import annotations

import argparse

SERVICES = [10, 1000, 5000]
CHANGES = 50


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
        "--changes", type=number, default=CHANGES, metavar="N", help=f"of each kind, each time (default {CHANGES})"
    )
    made.add_argument(
        "--change",
        action="append",
        choices=["service", "endpoint", "dns", "ingress", "httproute"],
        help="only this kind (repeatable; default: service, endpoint and dns; the others take a controller)",
    )


def numbers(text: str) -> list[int]:
    """``10,1000`` → ``[10, 1000]``."""
    return [number(part) for part in text.split(",")]


def number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 20_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 20000")
    return int(text)


def words(services: list[int], changes: int, kinds: list[str] | None) -> list[str]:
    """The same as words of a command line."""
    chosen = [word for kind in kinds or [] for word in ("--change", kind)]
    return ["--services", ",".join(map(str, services)), "--changes", str(changes), *chosen]
