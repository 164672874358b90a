"""A controller that is restarted while requests come in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.catalogue import feature
from fixtures.controller_restart import ControllerPods, judge_restart, restart
from fixtures.controllers import Controller
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream


@feature("gw.controller.restart")
@pytest.mark.slow
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
    shop = routes("restart.yaml", gateway="edge", ready={"shop.example": "one"})
    with steady_route(shop, "shop.example") as stream:
        stream.await_answers(25)
        restart(controller_pods, controller_pods.behind(shop), stream)
    judge_restart(controller, stream, note)
