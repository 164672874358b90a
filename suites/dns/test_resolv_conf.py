"""A pod's resolv.conf."""

from __future__ import annotations

import json

import pytest

from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.dns_text import Resolver, resolver
from fixtures.expectations import equal
from fixtures.in_pods import run_in
from fixtures.refusals import was_refused
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace, Pod, by_name


def of_pod(namespace: Namespace, pod: str) -> Resolver:
    return resolver(run_in(namespace, pod, "cat", "/etc/resolv.conf"))


def of_node(namespace: Namespace, node: Vantage) -> Resolver:
    """The file that the node's kubelet hands down, found by asking the kubelet for its configuration."""
    answer = namespace.api.core.connect_get_node_proxy_with_path(node.name, "configz", _preload_content=False)
    path = json.loads(answer.data)["kubeletconfig"].get("resolvConf", "/etc/resolv.conf")
    return resolver(node.exec(["cat", path]).stdout)


def described(namespace: Namespace, cluster: Cluster, name: str) -> Object:
    """The manifest's pod of this name, with the cluster's domain filled in."""
    text = (namespace.folder / "resolv_conf.yaml").read_text(encoding="utf-8")
    manifests = documents(text.replace("my-domain.example", cluster.dns_domain))
    return next(manifest for manifest in manifests if manifest["metadata"]["name"] == name)


def placed(namespace: Namespace, cluster: Cluster, name: str, node: str = "") -> Pod:
    """That pod once it is ready, on a node if one is named."""
    pod = described(namespace, cluster, name)
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
    node = placed(namespace, cluster, pod).node
    placed(namespace, cluster, "default", node)
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
@pytest.mark.parametrize(
    "pod", ["default", pytest.param("host-network-as-default", marks=pytest.mark.needs(Need.HOST_NETWORK))]
)
def test_a_pod_with_the_default_policy_has_its_nodes_resolver(
    namespace: Namespace, cluster: Cluster, node_vantages: dict[str, Vantage], pod: str
) -> None:
    """“"Default": The Pod inherits the name resolution configuration from the node that the Pods run on.” “Pods running
    with hostNetwork and "ClusterFirst" will fallback to the behavior of the "Default" policy.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
    """
    expected = of_node(namespace, node_vantages[placed(namespace, cluster, pod).node])
    equal(f"the resolver of pod {pod}", expected, of_pod(namespace, pod))


@feature("dns.resolv-conf")
@pytest.mark.parametrize("servers", [0, 4], ids=["none", "four"])
def test_a_pod_that_configures_its_dns_alone_names_one_to_three_servers(
    namespace: Namespace, cluster: Cluster, servers: int
) -> None:
    """“There can be at most 3 IP addresses specified. When the Pod's dnsPolicy is set to "None", the list must contain
    at least one IP address”.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-dns-config
    """
    pod = described(namespace, cluster, "none")
    pod["spec"]["dnsConfig"]["nameservers"] = [f"192.0.2.{number}" for number in range(servers)]
    was_refused(namespace.refusal(pod), f"a pod with {servers} nameservers", "dnsConfig.nameservers")
