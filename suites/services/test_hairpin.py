"""A pod and its own Service."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from fixtures.addresses import address_towards
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, sources_are
from fixtures.probes import http
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace, Pod


def itself(namespace: Namespace, pod: Pod) -> PodVantage:
    """The pod as a place to send from."""
    return PodVantage(namespace.api, namespace.name, pod.name, name=pod.name, address=pod.address, node=pod.node)


@feature("svc.hairpin")
@pytest.mark.each_family
def test_a_pod_reaches_itself_through_its_own_service(namespace: Namespace) -> None:
    """“This might sound unlikely, but it does happen and it is supposed to work”: “endpoints of a Service to
    loadbalance back to themselves if they try to access their own Service VIP”.
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#a-pod-fails-to-reach-itself-via-the-service-ip
    """
    namespace.apply("hairpin.yaml")
    (pod,) = namespace.wait_ready()
    ask = partial(http, itself(namespace, pod), f"http://{at(namespace.cluster_ip('web'))}/hostname")
    converge(ask, lambda seen: seen[0].answered, what="the pod to reach itself")
    answered_by(ask(count=5), [pod.name])


@feature("svc.hairpin")
@pytest.mark.each_family
def test_a_pod_sees_its_node_s_address_when_it_reaches_itself(
    namespace: Namespace, node_vantages: dict[str, Vantage]
) -> None:
    """“Handle traffic that loops back to the originator with SNAT.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/iptables/proxier.go (the same in ipvs/proxier.go);
    nftables mode has the set hairpin-connections for it. In all modes that is to masquerade, which means to “SNAT to
    the IP of the interface the packet is going out on”: the pod's gateway on the node.
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    """
    namespace.apply("hairpin.yaml")
    (pod,) = namespace.wait_ready()
    ask = partial(http, itself(namespace, pod), f"http://{at(namespace.cluster_ip('web'))}/clientip")
    converge(ask, lambda seen: seen[0].answered, what="the pod to reach itself")
    sources_are(ask(count=5), [address_towards(node_vantages[pod.node], pod.address)])
