"""Which of the controllers that are installed is judged."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clusters.controllers.description import describe, described
from clusters.controllers.found import known
from clusters.errors import UsageError
from clusters.provider import Classes, ExistingSpec

from .capabilities import Capabilities, Class


def choose(seen: Capabilities, asked: ExistingSpec, wanted: str = "") -> Classes | None:
    """The classes of one controller; None where the cluster has none.

    The user's word counts first, then the controller that the cell names (``wanted``), then the default class, then the
    oldest. The GatewayClass is the same controller's, if it has one. `UsageError` lists the right names.
    """
    ingress = picked("IngressClass", asked.ingress_class, seen.ingress_classes, of_wanted(wanted, "ingress"), seen)
    gateway = picked("GatewayClass", asked.gateway_class, seen.gateway_classes, of_wanted(wanted, "gateway"), seen)
    if wanted and ingress is None and gateway is None:
        every = ", ".join(map(str, [*seen.ingress_classes, *seen.gateway_classes])) or "none that you may see"
        raise UsageError(
            f"The cluster has no class of the controller {wanted}.",
            f"Its classes: {every}. Choose with --ingress-class and --gateway-class.",
        )
    if ingress is not None and not asked.gateway_class:
        gateway = same(ingress, gateway, seen.gateway_classes)
    if ingress is None and gateway is None:
        return None
    classes = Classes(
        ingress=ingress.name if ingress else "",
        ingress_controller=ingress.controller if ingress else "",
        gateway=gateway.name if gateway else "",
        gateway_controller=gateway.controller if gateway else "",
        address=asked.controller_address,
        named=bool(asked.ingress_class),
    )
    folder = known(classes)
    canary = folder.canary.ingress if folder else None
    if canary and any(one.name == canary.class_name for one in seen.ingress_classes):
        return msgspec.structs.replace(classes, canary_ingress=canary.class_name)
    return classes


def of_wanted(wanted: str, kind: str) -> str:
    """The controller string that the class of a wanted controller names; empty where nobody wants one."""
    claim = getattr(describe(wanted), kind) if wanted else None
    return claim.controller if claim else ("-" if wanted else "")


def picked(what: str, asked: str, every: Sequence[Class], controller: str, seen: Capabilities) -> Class | None:
    if asked:
        for one in every:
            if one.name == asked and one.unserved:
                raise UsageError(
                    f"No controller serves the {what} {one.name} ({one.controller}): {one.unserved}.",
                    "Start its controller, or name another class.",
                )
            if one.name == asked:
                return one
        if f"{what}es" in seen.hidden:
            return Class(name=asked, controller="")
        there = ", ".join(map(str, every)) or "none"
        raise UsageError(f"The cluster has no {what} called {asked!r}.", f"There are: {there}.")
    candidates = [
        one
        for one in every
        if controller in {"", one.controller} and one.name not in for_canaries_alone() and not one.unserved
    ]
    return min(candidates, key=lambda one: (not one.default, one.age, one.name), default=None)


def same(ingress: Class, gateway: Class | None, every: Sequence[Class]) -> Class | None:
    """The GatewayClass of the Ingress's controller, where its folder or its domain tells; another one's is not judged
    beside it."""
    folder = known(Classes(ingress=ingress.name, ingress_controller=ingress.controller))
    if folder is not None and folder.gateway is not None:
        served = (one for one in every if one.controller == folder.gateway.controller and not one.unserved)
        return next(served, None)
    domain = ingress.controller.partition("/")[0]
    return gateway if gateway and domain and gateway.controller.partition("/")[0].endswith(domain) else None


def for_canaries_alone() -> set[str]:
    """Classes of controllers that we know whose only use is to split traffic: another class of theirs is judged."""
    found = [describe(name) for name in described()]
    return {
        one.canary.ingress.class_name
        for one in found
        if one.canary.ingress and one.ingress and one.canary.ingress.class_name != one.ingress.class_name
    }
