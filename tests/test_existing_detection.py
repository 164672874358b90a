"""What a cluster is and has is found by looking only; what may not be seen is told, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import clusters
from clusters import records
from clusters.errors import ClusterError, UsageError
from clusters.existing import ExistingProvider, here
from clusters.families import family_of
from clusters.needs import Need, lack
from clusters.progress import SilentProgress
from clusters.provider import Cluster as Known
from clusters.provider import ClusterSpec, ExistingSpec
from tests.miniatures.objects import Cluster, gateway_class, ingress_class, listed, node, serving

INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
GATEWAY_CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
TRAEFIK = "traefik.io/ingress-controller"
KIND: dict[str, Any] = {
    "/api/v1/nodes": listed(node("n1", "203.0.113.11", zone="a"), node("n2", "203.0.113.12", providerID="kind://x")),
    "/api/v1/namespaces/kube-system/configmaps/kube-proxy": {"data": {"config.conf": "mode: ipvs\n"}},
    "/api/v1/namespaces/kube-system/configmaps/coredns": {
        "data": {"Corefile": ".:53 {\n    kubernetes corp.example in-addr.arpa\n}"}
    },
    "/api/v1/namespaces/kube-system/services/kube-dns": {"spec": {"clusterIP": "10.8.0.10"}},
    "/api/v1/namespaces/default/services/kubernetes": {"spec": {"ipFamilies": ["IPv4"]}},
    "/apis/networking.k8s.io/v1/servicecidrs": listed({"spec": {"cidrs": ["fd00::/112", "10.8.0.0/16"]}}),
    "/apis/metallb.io/v1beta1/ipaddresspools": listed({"spec": {"addresses": ["192.0.2.192/28"]}}),
    INGRESS_CLASSES: listed(
        ingress_class("nginx", "k8s.io/ingress-nginx", created="2024"),
        ingress_class("ours", TRAEFIK, created="2025"),
        ingress_class("traefik-nginx-annotations", "traefik.io/ingress-nginx-annotations", created="2023"),
    ),
    GATEWAY_CLASSES: listed(gateway_class("edge", "traefik.io/gateway-controller")),
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io": {
        "metadata": {
            "annotations": {
                "gateway.networking.k8s.io/bundle-version": "v1.2.0",
                "gateway.networking.k8s.io/channel": "experimental",
            }
        }
    },
}
Look = Callable[..., Known]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with serving(Cluster(KIND)) as running:
        yield running


@pytest.fixture
def look(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    # Nothing is ever sent to a node from a test, whatever networks this machine is in.
    (tmp_path / "routes").write_text(ROUTES)
    monkeypatch.setattr(here, "ROUTES", tmp_path / "routes")
    monkeypatch.setattr(here, "reaches", lambda addresses: "nothing is sent from a test")

    def take(controller: str = "", name: str = "theirs", **asked: Any) -> Known:
        spec = ExistingSpec(**{"kubeconfig": cluster.kubeconfig(tmp_path), "client_pod": True, **asked})
        made = ClusterSpec(
            name=name, provider="existing", existing=spec, controllers=[controller] if controller else []
        )
        return ExistingProvider().create(made, SilentProgress())

    return take


def test_everything_that_can_be_seen_is_told(look: Look, cluster: Cluster) -> None:
    seen = look(ingress_class="ours")
    assert seen.mode == "ipvs"
    assert [(place.name, place.address, place.zone) for place in seen.nodes] == [
        ("n1", "203.0.113.11", "a"),
        ("n2", "203.0.113.12", ""),
    ]
    assert (seen.dns_address, seen.dns_domain, seen.service_subnet) == ("10.8.0.10", "corp.example", "10.8.0.0/16")
    assert seen.load_balancer_pool == "192.0.2.192-192.0.2.207"
    assert seen.versions["kube-apiserver"] == "1.33.1"
    told = seen.conditions
    assert told["Gateway API definitions"] == "v1.2.0, experimental channel"
    assert told["kube-proxy mode"] == "ipvs (ConfigMap kube-system/kube-proxy)"
    assert told["IP families"] == "nodes IPv4, pods IPv4, Services IPv4"
    assert told["distribution"] == "kind"
    assert told["zones"] == "a"
    assert told["Pod Security"] == "privileged, as tried in default"
    assert seen.classes is not None
    assert (seen.classes.ingress, seen.classes.gateway, seen.controllers) == ("ours", "edge", ["traefik"])
    assert seen.classes.canary_ingress == "traefik-nginx-annotations"


def test_looking_changes_nothing(look: Look, cluster: Cluster) -> None:
    look()
    assert cluster.asked
    for asked in cluster.asked:
        method, _, path = asked.partition(" ")
        assert method == "GET" or (method == "POST" and ("dryRun=All" in path or path.endswith("reviews"))), asked


def dual(cluster: Cluster) -> None:
    """Make the miniature a cluster of IPv6 and IPv4."""
    both = [node(f"n{number}", f"203.0.113.1{number}") for number in (1, 2)]
    for number, one in enumerate(both, 1):
        one["status"]["addresses"].insert(0, {"type": "InternalIP", "address": f"2001:db8::1{number}"})
        one["spec"]["podCIDRs"] = [f"fd00:{number}::/64", f"10.9.{number}.0/24"]
    cluster.objects["/api/v1/nodes"] = listed(*both)
    cluster.objects["/api/v1/namespaces/default/services/kubernetes"] = {"spec": {"ipFamilies": ["IPv6"]}}
    cluster.families = ["IPv6", "IPv4"]
    pools = ["192.0.2.192/28", "2001:db8::c0-2001:db8::cf"]
    cluster.objects["/apis/metallb.io/v1beta1/ipaddresspools"] = listed({"spec": {"addresses": pools}})


def test_a_dual_stack_cluster_is_seen_in_both_families(look: Look, cluster: Cluster) -> None:
    dual(cluster)
    seen = look()
    assert seen.families == ["IPv6", "IPv4"]
    assert (seen.nodes[0].address, seen.nodes[0].pod_subnet) == ("2001:db8::11", "fd00:1::/64")
    assert (seen.service_subnet, seen.load_balancer_pool) == ("fd00::/112", "2001:db8::c0-2001:db8::cf")
    four = seen.of("IPv4")
    assert (four.nodes[0].address, four.nodes[0].pod_subnet) == ("203.0.113.11", "10.9.1.0/24")
    assert (four.service_subnet, four.load_balancer_pool) == ("10.8.0.0/16", "192.0.2.192-192.0.2.207")
    assert Need.ADDRESS_POOL not in seen.lacks


def test_families_are_those_that_every_node_has(look: Look, cluster: Cluster) -> None:
    cluster.families = ["IPv4", "IPv6"]
    seen = look()
    assert seen.families == ["IPv4"]
    why = "Services of the cluster can have IPv4 and IPv6, and not every node has an address of each."
    assert seen.lacks[Need.SINGLE_STACK] == seen.lacks[Need.DUAL_STACK] == why


def test_one_family_is_only_believed_where_a_dry_run_tells_it(look: Look, cluster: Cluster) -> None:
    assert Need.SINGLE_STACK not in look(name="told").lacks
    cluster.families = []  # as where a quota refuses the dry run
    seen = look(name="untold")
    assert seen.families == ["IPv4"]
    assert "is not known: a dry run did not tell" in seen.lacks[Need.SINGLE_STACK]


def test_an_ipv6_cluster_is_seen_as_one(look: Look, cluster: Cluster) -> None:
    dual(cluster)
    cluster.families = ["IPv6"]
    seen = look()
    assert (seen.families, seen.nodes[0].address) == (["IPv6"], "2001:db8::11")


def test_a_family_in_which_this_machine_does_not_reach_the_nodes_is_left_out_with_the_reason(
    look: Look, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dual(cluster)
    monkeypatch.setattr(here, "neighbour", lambda address: family_of(address) == "IPv4")
    monkeypatch.setattr(here, "own_address", lambda towards: "203.0.113.99" if family_of(towards) == "IPv4" else "")
    monkeypatch.setattr(here, "reaches", lambda addresses: "")
    seen = look(client_pod=False)  # the first family is the one that it does not reach
    assert seen.families == ["IPv6", "IPv4"]
    why = "This machine does not reach the nodes (it is in no IPv6 network of the nodes); --client-pod would."
    for need in (Need.NODE_PORTS, Need.OUTSIDE_CLIENT):
        assert lack(seen.lacks, need, "IPv6") == why
        assert lack(seen.lacks, need, "IPv4") == ""
    assert "which this machine does not reach" in lack(seen.lacks, Need.ADDRESS_POOL, "IPv6")
    assert lack(seen.lacks, Need.ADDRESS_POOL, "IPv4") == ""
    assert seen.clients[0].addresses == {"IPv4": "203.0.113.99"}


def test_a_pool_of_one_family_serves_the_checks_in_that_family(look: Look, cluster: Cluster) -> None:
    dual(cluster)
    pools = "/apis/metallb.io/v1beta1/ipaddresspools"
    cluster.objects[pools] = listed({"spec": {"addresses": ["192.0.2.192/28"]}})
    seen = look()
    assert lack(seen.lacks, Need.ADDRESS_POOL, "IPv4") == ""
    assert "one visible range" in lack(seen.lacks, Need.ADDRESS_POOL, "IPv6")
    assert "one visible range" in lack(seen.lacks, Need.ADDRESS_POOLS, "IPv4")


def test_a_range_that_no_object_tells_is_read_from_a_refusal(look: Look, cluster: Cluster) -> None:
    dual(cluster)
    del cluster.objects["/apis/networking.k8s.io/v1/servicecidrs"]
    words = "spec.clusterIPs: Invalid value: []string: failed to allocate IP: the range of valid IPs is fd00:10::/112"
    cluster.refusals["/api/v1/namespaces/default/services"] = words
    cluster.objects["/api/v1/namespaces/default/services/kubernetes"] = {"spec": {"ipFamilies": ["IPv6", "IPv4"]}}
    seen = look()
    assert seen.service_subnet == "fd00:10::/112"
    assert seen.of("IPv4").service_subnet == ""  # what it said was of the other family
    assert "not visible, or it has several" in lack(seen.lacks, Need.SERVICE_RANGE, "IPv4")


def test_of_several_ranges_none_is_taken_for_the_one(look: Look, cluster: Cluster) -> None:
    several = [{"spec": {"cidrs": ["10.8.0.0/16"]}}, {"spec": {"cidrs": ["10.20.0.0/16"]}}]
    cluster.objects["/apis/networking.k8s.io/v1/servicecidrs"] = listed(*several)
    seen = look()
    assert seen.service_subnet == ""
    assert "it has several" in lack(seen.lacks, Need.SERVICE_RANGE, "IPv4")


def test_addresses_of_a_network_that_this_machine_does_not_reach_are_not_judged(
    look: Look, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "neighbour", lambda _: True)
    monkeypatch.setattr(here, "own_address", lambda _: "198.51.100.7")
    monkeypatch.setattr(here, "reaches", lambda _: "")
    assert not lack(look(client_pod=False, ingress_class="ours", name="reached").lacks, Need.INGRESS, "IPv4")
    monkeypatch.setattr(here, "reaches", lambda _: "203.0.113.11, port 10250: nothing came back")
    seen = look(client_pod=False, ingress_class="ours", name="apart")
    for need in (Need.ADDRESS_POOL, Need.INGRESS, Need.GATEWAY):
        told = lack(seen.lacks, need, "IPv4")
        assert "MetalLB's, on the nodes' network, which this machine does not reach (203.0.113.11" in told
    seen = look(client_pod=False, ingress_class="ours", controller_address="198.51.100.80", name="by-address")
    assert not lack(seen.lacks, Need.INGRESS, "IPv4")


def test_what_may_not_be_seen_is_left_out_with_the_reason(look: Look, cluster: Cluster) -> None:
    cluster.hidden |= {"/api/v1/nodes", GATEWAY_CLASSES, INGRESS_CLASSES, *(path for path in KIND if "kube-" in path)}
    seen = look()
    assert (seen.mode, seen.nodes, seen.dns_address) == ("unknown", [], "")
    assert seen.lacks[Need.NODES] == "You may not look at nodes."
    assert "name it with --mode" in seen.lacks[Need.MODE]
    assert seen.lacks[Need.GATEWAY] == "You may not look at GatewayClasses. Name one: --gateway-class NAME."
    assert seen.conditions["IngressClasses"] == "not visible"


def test_a_class_that_may_not_be_seen_may_be_named(look: Look, cluster: Cluster) -> None:
    cluster.hidden |= {GATEWAY_CLASSES, INGRESS_CLASSES}
    seen = look(ingress_class="traefik")
    assert seen.controllers == ["traefik"]
    assert Need.INGRESS not in seen.lacks


@pytest.mark.parametrize(
    ("asked", "classes"),
    [
        pytest.param({}, ("nginx", ""), id="the oldest"),
        pytest.param({"controller": "traefik"}, ("ours", "edge"), id="of the controller that the cell names"),
        pytest.param({"ingress_class": "nginx", "gateway_class": "edge"}, ("nginx", "edge"), id="as the user says"),
    ],
)
def test_which_controller_is_judged(look: Look, asked: dict[str, str], classes: tuple[str, str]) -> None:
    seen = look(**asked).classes
    assert seen is not None
    assert (seen.ingress, seen.gateway) == classes


def test_a_gateway_class_that_nobody_serves_is_refused_by_name_and_else_passed_over(
    look: Look, cluster: Cluster
) -> None:
    cluster.objects[GATEWAY_CLASSES] = listed(gateway_class("edge", "traefik.io/gateway-controller", "Unknown"))
    told = r"No controller serves the GatewayClass edge \(traefik.*Accepted is Unknown \(Waiting for controller\)"
    with pytest.raises(UsageError, match=told):
        look(gateway_class="edge")
    seen = look(controller="traefik", name="another")
    assert seen.classes is not None
    assert (seen.classes.ingress, seen.classes.gateway) == ("ours", "")
    assert "nobody serves it" in seen.conditions["GatewayClasses"]


def test_kinds_that_the_definitions_lack_are_named(look: Look, cluster: Cluster) -> None:
    group = "gateway.networking.k8s.io"
    cluster.objects[f"/apis/{group}"] = {"versions": [{"groupVersion": f"{group}/v1"}]}
    cluster.objects[f"/apis/{group}/v1"] = {"resources": [{"name": "grpcroutes", "kind": "GRPCRoute"}]}
    told = look().conditions["Gateway API definitions"]
    assert told.startswith("v1.2.0, experimental channel, without TLSRoute, TCPRoute,")


def test_the_default_class_goes_before_the_oldest(look: Look, cluster: Cluster) -> None:
    cluster.objects[INGRESS_CLASSES] = listed(
        ingress_class("old", "a.example/a", created="2020"), ingress_class("new", "b.example/b", default=True)
    )
    assert look().controllers == ["new"]


def test_a_cluster_without_a_controller_lacks_one(look: Look, cluster: Cluster) -> None:
    cluster.objects[INGRESS_CLASSES] = cluster.objects[GATEWAY_CLASSES] = listed()
    seen = look()
    assert seen.controllers == []
    assert "There is no IngressClass" in seen.lacks[Need.INGRESS]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"ingress_class": "haproxy"},
            "no IngressClass called 'haproxy'. There are: nginx (k8s.io/ingress-nginx), ours",
        ),
        ({"mode": "nftables"}, "in mode ipvs (ConfigMap kube-system/kube-proxy), and you ask for nftables"),
        ({"client_pod": False}, "is at a loopback address"),
    ],
)
def test_what_the_cluster_contradicts_is_refused(look: Look, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as told:
        look(**asked)
    assert said in str(told.value)
    assert records.on_record() == []


def test_this_machine_may_be_the_client_where_the_nodes_are_its_neighbours(look: Look, cluster: Cluster) -> None:
    cluster.objects["/api/v1/nodes"] = listed(node("n1", "192.168.0.11"))
    seen = look(client_pod=False)
    assert [(place.name, place.here) for place in seen.clients] == [("this-machine", True)]
    assert lack(seen.lacks, Need.NODE_PORTS, "IPv4").startswith(
        "This machine does not reach the nodes (nothing is sent from a test)"
    )


def test_a_mode_that_is_not_visible_is_taken_from_the_user(look: Look, cluster: Cluster) -> None:
    del cluster.objects["/api/v1/namespaces/kube-system/configmaps/kube-proxy"]
    seen = look(mode="nftables")
    assert seen.mode == "nftables"
    assert seen.conditions["kube-proxy mode"].startswith("nftables (as you say")


@pytest.mark.parametrize(
    ("version", "objects", "mode"),
    [
        pytest.param("v1.30.1", {"kube-proxy-config": {"data": {"config": "mode: ipvs"}}}, "ipvs", id="EKS"),
        pytest.param("v1.30.1", {"kube-proxy": {"data": {"config.conf": 'mode: ""'}}}, "iptables", id="the default"),
        pytest.param("v1.30.1+k3s1", {}, "iptables", id="k3s"),
        pytest.param("v1.30.1", {}, "unknown", id="not visible"),
    ],
)
def test_where_the_mode_is_found(
    look: Look, cluster: Cluster, version: str, objects: dict[str, Any], mode: str
) -> None:
    folder = "/api/v1/namespaces/kube-system/configmaps/"
    del cluster.objects[f"{folder}kube-proxy"]
    cluster.objects |= {"/version": {"gitVersion": version}, **{folder + name: told for name, told in objects.items()}}
    assert look().mode == mode


def test_the_level_of_pod_security_is_tried_out(look: Look, cluster: Cluster) -> None:
    cluster.refusals["/api/v1/namespaces/team-a/pods"] = 'pods is forbidden: violates PodSecurity "restricted:latest"'
    assert "even a restricted pod is refused" in look(namespaces=["team-a"]).conditions["Pod Security"]


def test_our_own_namespaces_have_the_level_that_the_user_wants(look: Look) -> None:
    seen = look(pod_security="restricted", owned=True)
    assert "restricted does not admit" in seen.lacks[Need.NODE_ACCESS]
    assert not seen.node_pods


TAKE_THE_WORD = (Need.CLUSTER_SCOPED, Need.EXTERNAL_IPS, Need.CATCH_ALL, Need.NODE_ACCESS, Need.HOST_NETWORK)


def test_without_the_users_word_nothing_outside_our_namespaces_is_touched(look: Look) -> None:
    seen = look()
    for need in TAKE_THE_WORD:
        assert seen.lacks[need].endswith("takes --i-own-this-cluster.")
    assert (seen.owned, seen.node_pods) == (False, False)


def test_with_it_more_is_done(look: Look) -> None:
    seen = look(owned=True)
    assert not set(TAKE_THE_WORD) & set(seen.lacks)
    assert seen.node_pods


def test_each_missing_right_is_a_sentence(look: Look, cluster: Cluster) -> None:
    cluster.may = lambda right: (right["verb"], right["resource"]) not in {("create", "services"), ("patch", "pods")}
    with pytest.raises(ClusterError) as told:
        look(namespaces=["team-a"])
    assert str(told.value).splitlines() == [
        "You may not patch pods in namespace team-a: ask for the verb patch on pods.",
        "You may not create services in namespace team-a: ask for the verb create on services.",
    ]


def test_who_may_do_nothing_is_told_of_lent_namespaces(look: Look, cluster: Cluster) -> None:
    cluster.may = lambda _: False
    with pytest.raises(ClusterError, match="create namespaces in the cluster") as told:
        look()
    assert told.value.cure == "Or use namespaces that are there, with --namespace NAME."


def test_a_namespace_that_somebody_lives_in_is_refused(look: Look, cluster: Cluster) -> None:
    cluster.objects["/api/v1/namespaces/team-a/services"] = listed({"metadata": {"name": "web"}})
    with pytest.raises(UsageError, match="Namespace team-a is not empty: it has services/web"):
        look(namespaces=["team-a"])


def test_a_namespace_that_is_not_there_is_refused_in_the_apis_words(look: Look, cluster: Cluster) -> None:
    cluster.refusals["/api/v1/namespaces/team-a/services"] = 'namespaces "team-a" not found'
    with pytest.raises(UsageError, match='Namespace team-a cannot be used: namespaces "team-a" not found'):
        look(namespaces=["team-a"])


def test_a_record_is_removed_with_what_has_its_label_and_nothing_else(look: Look, cluster: Cluster) -> None:
    seen = look()
    cluster.objects["/api/v1/namespaces"] = listed({"metadata": {"name": "roadtest-1"}})
    cluster.asked.clear()
    clusters.delete("theirs")
    (label,) = seen.labels.items()
    assert cluster.asked == [
        f"GET /api/v1/namespaces?labelSelector={label[0]}%3D{label[1]}",
        "DELETE /api/v1/namespaces/roadtest-1",
    ]
    assert records.on_record() == []
    assert "theirs" not in clusters.names()


ROUTES = """\
Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0
eth0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0
eth1 00001EAC 0100A8C0 0003 0 0 0 00FFFFFF 0 0 0
"""


@pytest.mark.parametrize(
    ("address", "near"),
    [
        pytest.param("192.168.0.7", True, id="this machine's network"),
        pytest.param("192.168.1.7", False, id="the default gateway's way"),
        pytest.param("172.30.0.11", False, id="another gateway's way"),
    ],
)
def test_neighbours_are_reached_without_a_gateway(address: str, near: bool) -> None:
    assert here.neighbour(address, ROUTES) is near


@pytest.mark.parametrize(
    ("server", "inside"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://[::1]:6443", True),
        ("https://localhost", True),
        ("https://192.0.2.1:6443", False),
        ("https://example.com", False),
    ],
)
def test_a_loopback_address_is_known(server: str, inside: bool) -> None:
    assert here.loopback(server) is inside


ROUTES6 = """\
fd000172003000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
fd000010024400000000000000000000 38 00000000000000000000000000000000 00 fd000172003000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000172003000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
"""  # noqa: E501 - as the kernel writes them


@pytest.mark.parametrize(
    ("address", "near"),
    [("fd00:172:30::b", True), ("fd00:172:31::b", False), ("fd00:10:244::1", False), ("2001:db8::1", False)],
)
def test_ipv6_neighbours_are_reached_without_a_gateway(address: str, near: bool) -> None:
    assert here.neighbour(address, ROUTES6) is near
