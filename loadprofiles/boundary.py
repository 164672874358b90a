"""Which addresses load may go to: loopback, and what belongs to the run's own cluster. Nothing else, ever."""

from __future__ import annotations

from ipaddress import ip_address, ip_network, summarize_address_range

from clusters.provider import Cluster


def networks(cluster: Cluster) -> list[str]:
    """The cluster's pods and Services, each of its nodes and hosts, and its LoadBalancer pool."""
    allowed = [str(ip_network(subnet)) for subnet in (cluster.pod_subnet, cluster.service_subnet) if subnet]
    allowed += [str(ip_network(place.address)) for place in (*cluster.nodes, *cluster.servers) if place.address]
    if cluster.load_balancer_pool:
        first, _, last = cluster.load_balancer_pool.partition("-")
        ends = [ip_address(end.strip()) for end in (first, last or first)]
        allowed += [str(network) for network in summarize_address_range(*ends)]
    return allowed
