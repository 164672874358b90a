"""The ways to ask a controller for what ingress-nginx's annotations ask for: its ``recipes/ways.toml``, typed.

Each way has a recipe for each behaviour, ``recipes/<way>/<behaviour>.yaml``, or a denial with its source.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from clusters.errors import UsageError

from . import folders
from .description import Claim, ControllerDescription, describe, folder_of


class Denial(Claim, frozen=True, kw_only=True):
    """A behaviour behind an ingress-nginx annotation that cannot be asked for in this way."""

    behaviour: str
    """As in the names of recipes: ``limit-connections``."""
    reason: str


class Quirk(Claim, frozen=True, kw_only=True):
    """What the controller's documentation says of one of ingress-nginx's quirks."""

    quirk: str
    """``trailing-slash`` and so on, as the checks call it."""
    like: bool
    """Whether it does as ingress-nginx does."""


class Way(Claim, frozen=True, kw_only=True):
    """One way to ask for what ingress-nginx's annotations ask for. Its recipes lie in ``recipes/<name>/``."""

    name: str
    title: str
    """As a reader of the parity table knows it: ``Ingress with Middlewares``."""
    class_name: str = msgspec.field(name="class", default="")
    """Of the recipes' Ingresses; empty: the controller's own."""
    gateway: bool = False
    """Its recipes are HTTPRoutes, and traffic enters by a Gateway."""
    denials: list[Denial] = msgspec.field(default_factory=list)
    quirks: list[Quirk] = msgspec.field(default_factory=list)
    """Where it is silent on one, the API's own documentation decides, if that says anything."""

    def denial(self, behaviour: str) -> Denial | None:
        """Why ``behaviour`` cannot be asked for, where the controller's documentation says so."""
        return next((denial for denial in self.denials if denial.behaviour == behaviour), None)

    def quirk(self, name: str) -> Quirk | None:
        return next((quirk for quirk in self.quirks if quirk.quirk == name), None)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    way: list[Way]


def ways(name: str) -> list[Way]:
    """The ways of a controller; none where its folder has no recipes, or it has no folder."""
    path = recipes(name) / "ways.toml"
    if not path.is_file():
        return []
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).way
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Every field with its meaning: clusters/controllers/ways.py."
        ) from error


def ways_of(controller: ControllerDescription) -> list[Way]:
    """The ways by an API that it serves; where none was looked up yet, one for each of them, without recipes.

    In such a one it is asked only for what every controller is asked for alike: ingress-nginx's quirks.
    """
    served = {False: controller.ingress, True: controller.gateway}
    return [way for way in ways(controller.name) if served[way.gateway]] or [
        Way(name=name, title=title, gateway=gateway, source=claim.source)
        for gateway, name, title in ((False, "by-ingress", "Ingress"), (True, "by-httproute", "HTTPRoute"))
        if (claim := served[gateway])
    ]


def recipe(name: str, way: Way, behaviour: str) -> Path | None:
    """The manifest that asks a controller for a behaviour in one of its ways; None where there is none."""
    path = recipes(name) / way.name / f"{behaviour}.yaml"
    return path if path.is_file() else None


def recipes(name: str) -> Path:
    """The folder with a controller's recipes: of its own, or of the one that its description names."""
    if name not in folders.every():
        return folders.OWN / name / "recipes"
    return folder_of(describe(name).recipes or name) / "recipes"
