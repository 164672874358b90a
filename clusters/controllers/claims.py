"""Who claims which class: on one cluster two controllers must not claim the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from clusters.errors import UsageError

from .description import ControllerDescription, describe


def claims(controller: ControllerDescription) -> Iterator[tuple[str, str]]:
    """What nobody else may claim beside it: a word for it, and its name."""
    for kind, claim in (("IngressClass", controller.ingress), ("GatewayClass", controller.gateway)):
        if claim is not None:
            yield kind, claim.class_name
            yield f"{kind} of the controller", claim.controller
    if controller.canary.ingress is not None:
        yield "IngressClass", controller.canary.ingress.class_name


def check(controllers: Sequence[str]) -> None:
    """`UsageError` where two controllers of one cluster claim one class, or the classes of one controller's name."""
    for one, other in itertools.combinations(dict.fromkeys(controllers), 2):
        theirs = set(claims(describe(other)))
        if both := next((claim for claim in claims(describe(one)) if claim in theirs), None):
            raise UsageError(
                f"{one} and {other} both claim the {both[0]} {both[1]}: who serves it would be chance.",
                "Give each a cluster of its own.",
            )
