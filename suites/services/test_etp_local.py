"""externalTrafficPolicy: Local."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, none_answered, sources_are
from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.probes.together import together
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@pytest.mark.smoke
@feature("svc.etp.local")
@pytest.mark.each_family
@pytest.mark.needs(Need.THREE_NODES, Need.NODE_PORTS)
def test_local_policy_delivers_on_the_node_and_keeps_the_client_address(
    namespace: Namespace, nodes: list[Place], client_1: Vantage, client_2: Vantage
) -> None:
    """“Each node will deliver traffic only to the node-local endpoints of the service, without masquerading the client
    source IP. (Traffic mistakenly sent to a node with no endpoints will be dropped.)”
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    """
    namespace.apply("etp_local.yaml")
    pod_on = {pod.node: pod for pod in namespace.wait_ready()}
    for node in nodes:
        url = f"http://{at(node.address)}:{namespace.node_port('web')}"
        if node.name in pod_on:
            ask = partial(http, client_1, f"{url}/hostname")
            converge(
                ask, lambda seen: seen[0].answered, what=f"the node port of {node.name}, which has a pod, to answer"
            )
            for client in (client_1, client_2):
                answered_by(http(client, f"{url}/hostname", count=10), [pod_on[node.name].name])
                sources_are(http(client, f"{url}/clientip", count=5), [client.address])
        else:
            dropped = partial(http, url=f"{url}/hostname", timeout=Timeout.DROP.seconds)
            ask = partial(dropped, client_1)
            is_dropped = f"{node.name}, which has no pod, to drop the request"
            converge(ask, lambda seen: seen[0].outcome is Outcome.TIMEOUT, what=is_dropped, successes=1)
            seen = together(*[partial(dropped, client) for client in (client_1, client_2)] * 3)
            none_answered(seen, outcomes={Outcome.TIMEOUT})
