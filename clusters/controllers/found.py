"""The controllers of a cluster: as their folders describe them, or as somebody else installed one."""

from __future__ import annotations

import msgspec

from clusters.provider import Classes, Cluster

from .description import (
    CanaryClaims,
    Claim,
    ControllerDescription,
    GatewayClaim,
    IngressClaim,
    describe,
    described,
)

INGRESS_API = "https://kubernetes.io/docs/concepts/services-networking/ingress/"
GATEWAY_API = "https://gateway-api.sigs.k8s.io/guides/traffic-splitting/"


def of_cluster(cluster: Cluster) -> list[ControllerDescription]:
    """Every controller on the cluster; on one that is somebody else's the one that its classes name."""
    if cluster.classes is not None:
        return [as_found(cluster.classes)] if cluster.controllers else []
    return [describe(name) for name in cluster.controllers]


def settings(cluster: Cluster) -> dict[str, str]:
    """How its controllers are set, as readers of figures or verdicts must know: ``contour replicas`` → what and why."""
    return {f"{found.name} {name}": why for found in of_cluster(cluster) for name, why in found.settings.items()}


def known(classes: Classes) -> ControllerDescription | None:
    """The description whose classes name one of these controllers, or are called so where no controller is to be seen.

    Who may not read a class knows no more of it than its name. Nobody runs the ones that are there on request alone.
    """
    for found in map(describe, described()):
        if found.on_request:
            continue
        for claim, controller, class_name in (
            (found.ingress, classes.ingress_controller, classes.ingress),
            (found.gateway, classes.gateway_controller, classes.gateway),
        ):
            if claim is None or not class_name:
                continue
            if controller == claim.controller or (not controller and class_name == claim.class_name):
                return found
    return None


def as_found(classes: Classes) -> ControllerDescription:
    """The description that belongs to the classes, with their names; without a folder only what every one does.

    Which image it runs, and how it is set, is what somebody else chose.
    """
    found = known(classes) or unheard_of(classes)
    ingress, gateway, canary = None, None, found.canary.ingress
    if classes.ingress:
        ingress = found.ingress or IngressClaim(
            class_name=classes.ingress, controller=classes.ingress_controller, source=INGRESS_API
        )
        ingress = msgspec.structs.replace(ingress, class_name=classes.ingress)
    if classes.gateway:
        gateway = found.gateway or GatewayClaim(
            class_name=classes.gateway, controller=classes.gateway_controller, source=GATEWAY_API
        )
        gateway = msgspec.structs.replace(gateway, class_name=classes.gateway)
    if canary is not None and classes.canary_ingress:
        canary = msgspec.structs.replace(canary, class_name=classes.canary_ingress)
    return msgspec.structs.replace(
        found,
        image="",
        settings={},
        ingress=ingress,
        gateway=gateway,
        canary=msgspec.structs.replace(found.canary, ingress=canary),
    )


def unheard_of(classes: Classes) -> ControllerDescription:
    """A controller without a folder: it is judged by its API alone, and splits traffic only as that says."""
    title = classes.ingress_controller or classes.gateway_controller or f"class {classes.ingress or classes.gateway}"
    return ControllerDescription(
        name=classes.ingress or classes.gateway,
        title=title,
        documentation=INGRESS_API if classes.ingress else GATEWAY_API,
        component="",
        image="",
        namespace="",
        deployments=[],
        service="",
        canary=CanaryClaims(gateway=Claim(source=GATEWAY_API)),
    )
