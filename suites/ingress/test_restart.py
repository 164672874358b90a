"""A controller that is restarted while requests come in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.catalogue import feature
from fixtures.controller_restart import ControllerPods, judge_restart, restart, restart_draining
from fixtures.controllers import Controller
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream, no_loss, told
from fixtures.verdicts import unsupported


@feature("ing.controller.restart")
@pytest.mark.disturbs
def test_a_rolling_restart_of_the_controller_loses_no_request(
    routes: Arrange,
    controller: Controller,
    controller_pods: ControllerPods,
    steady_route: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“Rolling updates allow Deployments' update to take place with zero downtime by incrementally updating Pods
    instances with new ones.” https://kubernetes.io/docs/tutorials/kubernetes-basics/update/update-intro/

    Judged where the controller's documentation says that it drains what it serves, installed as it is here.
    """
    shop = routes("restart.yaml", ready={"shop.example": "one"})
    with steady_route(shop, "shop.example") as stream:
        stream.await_answers(25)
        restart(controller_pods, controller_pods.behind(shop), stream)
    judge_restart(controller, stream, note)


@feature("ing.controller.restart")
@pytest.mark.disturbs
def test_a_rolling_restart_loses_no_request_where_the_controller_is_set_to_drain(
    routes: Arrange,
    controller: Controller,
    controller_pods: ControllerPods,
    steady_route: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“Rolling updates allow Deployments' update to take place with zero downtime by incrementally updating Pods
    instances with new ones.” https://kubernetes.io/docs/tutorials/kubernetes-basics/update/update-intro/

    A controller that loses requests when it is restarted as it is installed here may have a setting against that. With
    what its documentation says, none is lost.
    """
    claim = controller.description.restart
    if claim and claim.lossless:
        pytest.skip("Installed as it is here, its documentation says that it drains: that is judged by itself.")
    if claim is None or claim.draining is None:
        if refusal := controller.description.refusal("ing.controller.restart", "draining"):
            unsupported(refusal.reason, refusal.source)
        controller.not_looked_up("how it is set to drain", "[restart.draining]")
    shop = routes("restart.yaml", ready={"shop.example": "one"})
    stream = restart_draining(controller_pods, claim.draining, shop, lambda: steady_route(shop, "shop.example"))
    note("with that setting", told(stream.seen))
    no_loss(stream, "while the controller, set to drain, was restarted")
