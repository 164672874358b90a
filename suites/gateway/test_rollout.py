"""A backend that is rolled out while requests come in through the controller."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from fixtures.catalogue import feature
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream, no_loss
from fixtures.under_load import roll_out


@feature("gw.backend.rollout.zero-loss")
def test_a_backend_with_probes_and_a_pre_stop_pause_is_rolled_out_without_loss(
    crossing: Arrange, steady_route: Callable[..., AbstractContextManager[Stream]]
) -> None:
    """“Rolling updates allow Deployments' update to take place with zero downtime by incrementally updating Pods
    instances with new ones.” https://kubernetes.io/docs/tutorials/kubernetes-basics/update/update-intro/
    """
    shop = crossing("rollout.yaml", ready={"shop.example": "web"})
    with steady_route(shop, "shop.example") as stream:
        stream.await_answers(25)
        roll_out(shop, "web", stream)
    no_loss(stream, "while the backend was rolled out")
