"""Whose address the backend is told: the client's own, or a node's, by the policy of the controller's Service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clusters.needs import Need
from fixtures.client_identity import fronts, last, masquerades, service_at, with_policy
from fixtures.controllers import Controller
from fixtures.convergence import converge
from fixtures.expectations import holds
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage

REQUESTS = 3
ROUNDS = 5
"""So often it is begun anew because somebody took the policy back meanwhile."""


@fronts("client-ip")
@pytest.mark.disturbs
@pytest.mark.needs(Need.CONTROLLER)
@pytest.mark.parametrize("policy", ["Local", "Cluster"])
def test_the_backend_is_told_the_address_that_the_service_policy_leaves(
    front: Routes,
    controller: Controller,
    node_vantages: dict[str, Vantage],
    policy: str,
    note: Callable[[str, object], None],
) -> None:
    """“Cluster obscures the client source IP and may cause a second hop to another node, but should have good overall
    load-spreading. Local preserves the client source IP and avoids a second hop for LoadBalancer and NodePort type
    Services.” The controller tells the backend the address that it saw: with Local the client's own, with Cluster one
    that a node masquerades with.

    https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#preserving-the-client-source-ip
    """
    controller.client_identity()
    service = service_at(front)
    wanted = {front.client.address} if policy == "Local" else masquerades(front, service, node_vantages)
    with with_policy(front, service, policy) as keep:

        def ask() -> list[HttpObservation]:
            keep()
            return [front.get("client.example")]

        for _ in range(ROUNDS):
            converge(
                ask,
                lambda seen: last(seen[0], "X-Forwarded-For") in wanted,
                what=f"the backend to be told {' or '.join(sorted(wanted))}, with externalTrafficPolicy {policy}",
                timeout=Timeout.ROUTES,
            )
            seen = [front.get("client.example") for _ in range(REQUESTS)]
            if keep():
                break
        else:
            pytest.skip(f"Who made the Service {service[1]} takes the change of its externalTrafficPolicy back.")
    told = {last(one, "X-Forwarded-For") for one in seen}
    note(f"the client's address with externalTrafficPolicy {policy}", ", ".join(sorted(told)))
    holds(told <= wanted, f"the backend to be told {' or '.join(sorted(wanted))}", ", ".join(sorted(told)), seen)
