"""A pod's resolv.conf."""

from __future__ import annotations

import json

import pytest

from clusters.provider import Cluster
from fixtures.api import documents
from fixtures.catalogue import feature
from fixtures.dns_text import Resolver, resolver
from fixtures.expectations import equal
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


def of_pod(namespace: Namespace, pod: str) -> Resolver:
    done = namespace.api.exec(namespace.name, pod, ["cat", "/etc/resolv.conf"], timeout=Timeout.REQUEST.seconds)
    return resolver(done.stdout)


def of_node(namespace: Namespace, node: Vantage) -> Resolver:
    """The file that the node's kubelet hands down, found by asking the kubelet for its configuration."""
    answer = namespace.api.core.connect_get_node_proxy_with_path(node.name, "configz", _preload_content=False)
    path = json.loads(answer.data)["kubeletconfig"].get("resolvConf", "/etc/resolv.conf")
    return resolver(node.exec(["cat", path]).stdout)


@feature("dns.resolv-conf")
@pytest.mark.parametrize("pod", ["cluster-first", "host-network", "default", "none", "merged"])
def test_a_pods_resolver_is_what_its_dns_policy_says(
    namespace: Namespace, cluster: Cluster, node_vantages: dict[str, Vantage], pod: str
) -> None:
    """“"Default": The Pod inherits the name resolution configuration from the node”; “If dnsPolicy is not explicitly
    specified, then "ClusterFirst" is used”; “"None": … All DNS settings are supposed to be provided using the
    dnsConfig field”. With dnsConfig “the provided list will be merged into the base search domain names … Duplicate
    domain names are removed”, and so with servers and options.
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
    """
    manifests = documents((namespace.folder / "resolv_conf.yaml").read_text(encoding="utf-8"))
    namespace.apply_object(next(manifest for manifest in manifests if manifest["metadata"]["name"] == pod))
    (placed,) = namespace.wait_ready()
    domains = [f"{namespace.name}.svc.{cluster.dns_domain}", f"svc.{cluster.dns_domain}", cluster.dns_domain]
    of_cluster = Resolver([cluster.dns_address], domains, {"ndots:5"})
    own = {"ndots:2", "edns0"}
    expected = {
        "cluster-first": of_cluster,
        "host-network": of_cluster,
        "none": Resolver(["192.0.2.1"], ["ns1.svc.cluster-domain.example", "my.dns.search.suffix"], own),
        "merged": Resolver([cluster.dns_address, "192.0.2.1"], [*domains, "my.dns.search.suffix"], own),
        "default": of_node(namespace, node_vantages[placed.node]),
    }
    equal(f"the resolver of pod {pod}", expected[pod], of_pod(namespace, pod))
