"""Load profiles: TOML files of ``profiles/``, one profile each, read and checked here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clusters.errors import UsageError
from loadprofiles.engine.schedule import Arrivals

FOLDER = Path(__file__).parent / "profiles"

Seconds = Annotated[float, Meta(gt=0, le=3600)]
Target = Literal["clusterip", "nodeport", "controller"]
Vantage = Literal["pod-network", "client-1"]


class ArrivalRate(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="arrival-rate", forbid_unknown_fields=True
):
    """Requests are due at times that nothing delays (open)."""

    arrivals: Arrivals = "poisson"
    rates: Annotated[list[Annotated[float, Meta(gt=0, le=100_000)]], Meta(min_length=1)]
    """Requests per second, one step each; every step is measured by itself, with its own warm-up."""


class Saturation(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="saturation", forbid_unknown_fields=True
):
    """Each user sends its next request when the last one has ended (closed)."""

    users: Annotated[int, Meta(ge=1, le=10_000)]


class Times(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long."""

    warmup_seconds: Annotated[float, Meta(ge=0, le=600)]
    """Sent, and left out of the figures."""
    seconds: Seconds
    """Measured."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A load's shape."""

    about: str
    """What it is for, in a sentence or two."""
    target: Target
    vantage: Vantage
    connection: Literal["per-request", "keep-alive"]
    path: str = "/"
    expect_status: int = 200
    timeout_seconds: Seconds
    max_connections: Annotated[int, Meta(ge=1, le=50_000)] = 4096
    processes: Annotated[int, Meta(ge=0, le=64)] = 0
    """Locust worker processes; 0: one process without workers, which is the most precise."""
    shape: ArrivalRate | Saturation
    full: Times
    short: Times
    """Inside ``conformance``."""
    name: str = ""
    """The file's name; not written in the file."""

    def times(self, *, short: bool) -> Times:
        return self.short if short else self.full


def profiles(folder: Path = FOLDER) -> dict[str, Profile]:
    """Every profile by name, in alphabetical order."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def _read(path: Path) -> Profile:
    try:
        profile = msgspec.toml.decode(path.read_bytes(), type=Profile)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"Load profile {path.name}: {error}.", "docs/add-a-profile.md lists the fields.") from None
    if not profile.path.startswith("/") or any(ord(letter) <= 32 or ord(letter) > 126 for letter in profile.path):
        raise UsageError(f"Load profile {path.name}: path {profile.path!r} is no request path.")
    return msgspec.structs.replace(profile, name=path.stem)


def chosen(names: list[str], folder: Path = FOLDER) -> list[Profile]:
    """The named profiles, or all of them; `UsageError` for a name that does not exist."""
    known = profiles(folder)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"There is no load profile {unknown[0]!r}.", f"Profiles: {', '.join(known)}.")
    return [known[name] for name in names] if names else list(known.values())
