"""kube-proxy's restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.kube_proxy import KubeProxies
from fixtures.probes import http
from fixtures.steady import Stream, no_loss
from fixtures.vantages import NetnsVantage, PodVantage, Vantage
from fixtures.workloads import Namespace


@pytest.mark.smoke
@feature("proxy.restart")
@pytest.mark.each_family
@pytest.mark.disturbs
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_restart_loses_no_request_and_breaks_no_connection(
    namespace: Namespace,
    nodes: list[Place],
    client_1: Vantage,
    pod_vantages: dict[str, PodVantage],
    pod_networks: dict[str, NetnsVantage],
    kube_proxies: KubeProxies,
    steady: Callable[..., AbstractContextManager[Stream]],
) -> None:
    """Services “should work after restarting kube-proxy”.
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/test/e2e/network/service.go
    Its rules are in the kernel, which forwards without it, and when it starts again “it will only remove rules that
    are definitely not in use by the currently-configured mode.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kube-proxy/app/server_linux.go
    """
    namespace.apply("restart.yaml")
    namespace.wait_ready()
    node = nodes[0]
    inside = f"http://{at(namespace.cluster_ip('web'))}/hostname"
    outside = f"http://{at(node.address)}:{namespace.node_port('web')}/hostname"
    pod = pod_networks[node.name]
    for vantage, url in ((client_1, outside), (pod_vantages[node.name], inside)):
        converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=f"{url} to answer")
    with (
        steady(client_1, outside) as from_outside,
        steady(pod, inside) as from_the_pod,
        steady(pod, inside, connections=5) as kept,
    ):
        streams = (from_outside, from_the_pod, kept)
        for stream in streams:
            stream.await_answers(25)
            stream.mark(f"kube-proxy on {node.name} is restarted")
        kube_proxies.restart(node.name)
        # A Service made now has rules only if the new kube-proxy writes them, after it has gone over all others.
        namespace.apply("restart_later.yaml")
        later = f"http://{at(namespace.cluster_ip('later'))}/hostname"
        what = "a Service that was made after the restart to answer"
        converge(partial(http, pod_vantages[node.name], later), lambda seen: seen[0].answered, what=what)
        for stream in streams:
            stream.mark("a Service made afterwards answers")
            stream.await_answers(25)
    for stream, which in zip(streams, ("from outside", "from a pod", "on kept connections"), strict=True):
        no_loss(stream, f"{which} while kube-proxy was restarted")
