"""What several checks of the DNS ask for."""

from __future__ import annotations

import pytest

from clusters.provider import Cluster
from fixtures.api import Api
from fixtures.coredns import CoreDns
from fixtures.vantages import NetnsVantage, Vantage


@pytest.fixture
def coredns(api: Api, cluster: Cluster, node_vantages: dict[str, Vantage]) -> CoreDns:
    """The cluster's CoreDNS, to be looked at and disturbed."""
    found = CoreDns(api, cluster, next(iter(node_vantages.values())))
    if not found.installed:
        pytest.skip("the cluster's DNS is no Deployment coredns in kube-system")
    return found


@pytest.fixture
def a_node(node_vantages: dict[str, Vantage]) -> NetnsVantage:
    """A node whose network this process can enter, to send from on a schedule."""
    vantage = next(iter(node_vantages.values()))
    if not isinstance(vantage, NetnsVantage):
        pytest.skip(f"nothing can be sent on a schedule from {vantage.name}: its network cannot be entered")
    return vantage
