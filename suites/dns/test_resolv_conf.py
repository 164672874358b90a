"""A pod's resolv.conf."""

from __future__ import annotations

import json

import pytest

from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.api import documents
from fixtures.catalogue import feature
from fixtures.dns_text import Resolver, resolver
from fixtures.expectations import equal
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace, Pod, by_name


def of_pod(namespace: Namespace, pod: str) -> Resolver:
    done = namespace.api.exec(namespace.name, pod, ["cat", "/etc/resolv.conf"], timeout=Timeout.REQUEST.seconds)
    return resolver(done.stdout)


def of_node(namespace: Namespace, node: Vantage) -> Resolver:
    """The file that the node's kubelet hands down, found by asking the kubelet for its configuration."""
    answer = namespace.api.core.connect_get_node_proxy_with_path(node.name, "configz", _preload_content=False)
    path = json.loads(answer.data)["kubeletconfig"].get("resolvConf", "/etc/resolv.conf")
    return resolver(node.exec(["cat", path]).stdout)


def placed(namespace: Namespace, name: str, node: str = "") -> Pod:
    """The manifest's pod of this name, on a node if one is named."""
    manifests = documents((namespace.folder / "resolv_conf.yaml").read_text(encoding="utf-8"))
    pod = next(manifest for manifest in manifests if manifest["metadata"]["name"] == name)
    if node:
        pod["spec"]["nodeName"] = node
    namespace.apply_object(pod)
    return by_name(namespace.wait_ready(), name)


@feature("dns.resolv-conf")
@pytest.mark.parametrize(
    "pod", ["cluster-first", pytest.param("host-network", marks=pytest.mark.needs(Need.HOST_NETWORK)), "none", "merged"]
)
def test_a_pods_resolver_is_what_its_dns_policy_says(namespace: Namespace, cluster: Cluster, pod: str) -> None:
    """“If dnsPolicy is not explicitly specified, then "ClusterFirst" is used”; “"None": … All DNS settings are supposed
    to be provided using the dnsConfig field”. With dnsConfig “the provided list will be merged into the base search
    domain names … Duplicate domain names are removed”, and so with servers and options.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
    Search domains of the node, which a pod with "Default" shows, come after the cluster's.
    """
    node = placed(namespace, pod).node
    placed(namespace, "default", node)
    domains = [f"{namespace.name}.svc.{cluster.dns_domain}", f"svc.{cluster.dns_domain}", cluster.dns_domain]
    domains += of_pod(namespace, "default").search
    of_cluster = Resolver([cluster.dns_address], domains, {"ndots:5"})
    own = {"ndots:2", "edns0"}
    expected = {
        "cluster-first": of_cluster,
        "host-network": of_cluster,
        "none": Resolver(["192.0.2.1"], ["ns1.svc.cluster-domain.example", "my.dns.search.suffix"], own),
        "merged": Resolver([cluster.dns_address, "192.0.2.1"], [*domains, "my.dns.search.suffix"], own),
    }
    equal(f"the resolver of pod {pod}", expected[pod], of_pod(namespace, pod))


@feature("dns.resolv-conf")
def test_a_pod_with_the_default_policy_has_its_nodes_resolver(
    namespace: Namespace, node_vantages: dict[str, Vantage]
) -> None:
    """“"Default": The Pod inherits the name resolution configuration from the node that the Pods run on.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
    """
    pod = placed(namespace, "default")
    expected = of_node(namespace, node_vantages[pod.node])
    equal("the resolver of the pod", expected, of_pod(namespace, pod.name))
