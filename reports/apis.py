"""The APIs that features belong to, by the first word of a feature's id, and what each is compared across."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Axis(StrEnum):
    """What a feature's verdict depends on first."""

    MODE = "mode"
    CONTROLLER = "controller"


@dataclass(frozen=True)
class Api:
    """One group of the catalogue."""

    id: str
    title: str
    axis: Axis
    prefixes: tuple[str, ...]


APIS = (
    Api("services", "Services", Axis.MODE, ("svc", "ep", "proxy")),
    Api("dns", "DNS", Axis.MODE, ("dns",)),
    Api("ingress", "Ingress", Axis.CONTROLLER, ("ing", "ann", "quirk")),
    Api("gateway", "Gateway API", Axis.CONTROLLER, ("gw",)),
    Api("canary", "Canary", Axis.CONTROLLER, ("can",)),
    Api("route", "OpenShift Routes", Axis.CONTROLLER, ("ocp",)),
)
OTHER = Api("other", "Other", Axis.MODE, ())
"""Checks that name no feature of a known API; a check without any feature is an error of ours."""


def api_of(feature: str) -> Api:
    """The API of a feature's id; `OTHER` where its first word is none that we know."""
    word = feature.partition(".")[0]
    return next((api for api in APIS if word in api.prefixes), OTHER)
