"""TCP and UDP on one port number of one Service."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.expectations import answered_by
from fixtures.probes import http, udp
from fixtures.settling import settle
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace

N = 30
"""Attempts of each protocol. One of two pods is left out of 30 with probability 2·(1/2)^30 < 2e-9."""


def both_answer(client: Vantage, address: str, port: int, pods: set[str]) -> None:
    """All pods answer HTTP and UDP at one address and port."""
    all_answer = partial(answered_by, names=pods)
    streams = partial(http, client, f"http://{at(address)}:{port}/hostname", count=N)
    datagrams = partial(udp, client, address, port, "hostname", count=N)
    settle(streams, all_answer)
    settle(partial(datagrams, timeout=Timeout.DROP.seconds, count=10), all_answer)
    all_answer(streams())
    all_answer(datagrams())


@feature("svc.protocol.tcp-udp-same-port")
@pytest.mark.each_family
def test_a_cluster_ip_serves_tcp_and_udp_at_one_port(namespace: Namespace, pod_vantages: dict[str, PodVantage]) -> None:
    """“Kubernetes supports multiple port definitions for a single Service. Each port definition can have the same
    protocol, or a different one.” https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """
    namespace.apply("protocol_tcp_udp_same_port.yaml")
    pods = {pod.name for pod in namespace.wait_ready()}
    both_answer(next(iter(pod_vantages.values())), namespace.cluster_ip("web"), 90, pods)


@feature("svc.protocol.tcp-udp-same-port")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_node_port_serves_tcp_and_udp_at_one_number(namespace: Namespace, client_1: Vantage) -> None:
    """“For a node port Service, Kubernetes additionally allocates a port (TCP, UDP or SCTP to match the protocol of the
    Service).” The number that TCP was given is asked for UDP as well.
    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    namespace.apply("protocol_tcp_udp_same_port.yaml")
    number = namespace.node_port("web", "tcp")
    _, asked = namespace.read("protocol_tcp_udp_same_port.yaml")
    for port in asked["spec"]["ports"]:
        port["nodePort"] = number
    namespace.apply_object(asked)
    pods = namespace.wait_ready()
    both_answer(client_1, pods[0].node_address, number, {pod.name for pod in pods})
