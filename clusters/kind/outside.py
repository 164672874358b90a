"""Outside clients and servers of a kind cluster: testcontainers on its node network, with addresses of our choice."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.errors import ClusterError
from clusters.families import Family

from .engine import Engine
from .node_network import LABEL, NodeNetwork

FORWARDING: Mapping[Family, str] = {"IPv4": "net.ipv4.ip_forward", "IPv6": "net.ipv6.conf.all.forwarding"}
COMMAND = ["/bin/sh", "-c", "ip route del default; ip -6 route del default; exec /agnhost pause"]
"""Without a default route, what is not on the node network goes nowhere: no packet of a check leaves the machine."""


def container_name(cluster: str, host: str) -> str:
    return f"{cluster}-{host}"


def start(engine: Engine, cluster: str, network: NodeNetwork, image: str) -> None:
    """Start them all. They are removed with the cluster, by their label: Ryuk would end them with this process."""
    # Imported here: Docker's library takes a while, and a cluster's removal needs none of it.
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.types import EndpointConfig  # noqa: PLC0415
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    testcontainers_config.ryuk_disabled = True
    of_engine = {"IPv4": "ipv4_address", "IPv6": "ipv6_address"}
    planned = network.addresses
    for host in (*planned.clients, *planned.servers):
        own = {of_engine[family]: address for family, address in planned.hosts()[host].items()}
        container = DockerContainer(
            image,
            docker_client_kw={"environment": engine.environment},
            name=container_name(cluster, host),
            hostname=host,
            entrypoint=COMMAND,
            labels={LABEL: cluster},
            cap_add=["NET_ADMIN"],
            dns=[network.sinks[planned.family]],
            sysctls={FORWARDING[one.family]: "0" for one in planned.every},
            networking_config={network.name: EndpointConfig("1.41", **own)},
        )
        container.with_kwargs(**container._kwargs, network=network.name)
        try:
            container.start()
        except DockerException as error:
            raise ClusterError(f"The outside host {host} could not be started: {error}") from error
