"""What a check needs is found from what it says anyway, and a cluster that lacks it skips the check with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from clusters.needs import Need, lacking, within
from clusters.provider import Cluster, Place
from clusters.rights import Right, Rights, making
from fixtures.needs import Judge, is_of, kinds, manifests, needs
from tests.miniatures import objects
from tests.miniatures.cluster import a_cluster

SUITES = Path(__file__).parents[1] / "suites"
OURS = a_cluster(
    nodes=[Place(name=f"n{number}", role="node", address=f"203.0.113.{number}") for number in (1, 2)],
)


def item(path: str, *fixtures: str, feature: str = "svc.clusterip.reach", marks: tuple[Need, ...] = ()) -> Any:
    """A check as pytest would tell of it."""
    file, _, name = path.partition("::")
    marked = {"feature": [SimpleNamespace(args=(feature,))], "needs": [SimpleNamespace(args=marks)]}
    return SimpleNamespace(
        path=SUITES.parent / file,
        nodeid=path,
        name=name,
        fixturenames=fixtures,
        iter_markers=lambda kind: iter(marked[kind]),
        get_closest_marker=lambda kind: marked[kind][0],
    )


@pytest.mark.parametrize(
    ("check", "needed"),
    [
        pytest.param(item("suites/a.py", "namespace", "pod_vantages"), [], id="pods and Services"),
        pytest.param(item("suites/a.py", "client_2"), [Need.SECOND_CLIENT], id="a fixture"),
        pytest.param(item("suites/a.py", marks=(Need.NODE_PORTS,)), [Need.NODE_PORTS], id="a marker"),
        pytest.param(item("suites/a.py", feature="ing.host"), [Need.INGRESS], id="the feature's API"),
        pytest.param(item("suites/a.py", feature="gw.route.path"), [Need.GATEWAY], id="another API"),
    ],
)
def test_what_a_check_needs(check: Any, needed: list[Need]) -> None:
    assert needs(check) == needed


def test_the_kinds_of_a_check_are_those_of_its_manifests() -> None:
    assert [name for _, name in kinds(item("suites/services/test_etp_local.py"))] == ["Deployment", "Service"]
    assert "IngressClass" in {name for _, name in kinds(item("suites/ingress/test_class_name.py"))}


@pytest.mark.parametrize(
    ("manifest", "check", "belongs"),
    [
        ("weight_by_ingress", "test_weight.py::test_a[by-ingress-10]", True),
        ("weight_by_httproute", "test_weight.py::test_a[by-ingress-10]", False),
        ("weight_by_ingress", "test_weight.py::test_a", True),
        ("host", "test_host.py::test_a[by-name]", True),
    ],
)
def test_of_manifests_for_several_ways_a_check_has_its_own(manifest: str, check: str, belongs: bool) -> None:
    assert is_of(manifest, check) is belongs


@pytest.mark.parametrize(
    "file",
    [path for path in sorted(SUITES.glob("*/test_*.py")) if ".yaml" in path.read_text()],
    ids=lambda path: path.name,
)
def test_every_file_of_checks_is_found_to_have_a_manifest(file: Path) -> None:
    assert manifests(item(str(file.relative_to(SUITES.parent))))


def test_a_cluster_of_ours_lacks_nothing_but_nodes_that_nobody_asked_for() -> None:
    assert lacking(OURS) == {
        Need.THREE_NODES: "needs 3 nodes, and this cluster has 2",
        Need.DUAL_STACK: "It needs two IP families, and this cluster has IPv4.",
    }
    both = msgspec.structs.replace(OURS, families=["IPv6", "IPv4"])
    assert (
        lacking(both)[Need.SINGLE_STACK] == "It is about clusters of one IP family, and this cluster has IPv6 and IPv4."
    )
    judge = Judge(OURS)
    assert judge.reason(item("suites/services/test_etp_local.py", "client_2", "node_vantages")) == ""
    assert "has 2" in judge.reason(item("suites/services/test_etp_local.py", marks=(Need.THREE_NODES,)))


def test_what_is_lacking_in_one_family_skips_the_check_in_that_family() -> None:
    cluster = msgspec.structs.replace(
        OURS, families=["IPv4", "IPv6"], lacks={within(Need.NODE_PORTS, "IPv6"): "This machine has no IPv6."}
    )
    check = item("suites/services/test_nodeport_any_node.py", marks=(Need.NODE_PORTS,))
    assert Judge(cluster).reason(check) == ""
    for family, why in (("IPv4", ""), ("IPv6", "This machine has no IPv6.")):
        check.callspec = SimpleNamespace(params={"family": family})
        assert Judge(cluster).reason(check) == why


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[tuple[objects.Cluster, Cluster]]:
    served = {
        "/api/v1": {"resources": [{"name": "services", "kind": "Service", "namespaced": True}]},
        "/apis/apps/v1": {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
        "/apis/networking.k8s.io/v1": {
            "resources": [
                {"name": "ingresses", "kind": "Ingress", "namespaced": True},
                {"name": "ingresses/status", "kind": "Ingress", "namespaced": True},
                {"name": "ingressclasses", "kind": "IngressClass", "namespaced": False},
            ]
        },
    }
    with objects.serving(objects.Cluster(served)) as running:
        yield (
            running,
            msgspec.structs.replace(OURS, administrator=False, owned=False, kubeconfig=running.kubeconfig(tmp_path)),
        )


INGRESS = item("suites/ingress/test_host.py", feature="ing.host")


def test_a_kind_that_may_not_be_made_skips_its_checks_in_a_sentence(theirs: tuple[objects.Cluster, Cluster]) -> None:
    running, cluster = theirs
    assert Judge(cluster).reason(INGRESS) == ""
    running.may = lambda right: (right["verb"], right["resource"]) != ("create", "ingresses")
    wanted = "ask for the verb create on ingresses (networking.k8s.io)."
    assert Judge(cluster).reason(INGRESS) == f"You may not create ingresses in the cluster: {wanted}"


def test_a_kind_that_is_not_served_skips_its_checks(theirs: tuple[objects.Cluster, Cluster]) -> None:
    reason = Judge(theirs[1]).reason(item("suites/gateway/test_route_path.py", feature="gw.route.path"))
    assert reason == "This cluster serves no HTTPRoute of gateway.networking.k8s.io/v1."


def test_a_kind_outside_of_namespaces_takes_the_users_word(theirs: tuple[objects.Cluster, Cluster]) -> None:
    check = item("suites/ingress/test_class_name.py", feature="ing.class.name")
    cluster = msgspec.structs.replace(theirs[1], lacks={Need.CLUSTER_SCOPED: "It takes a word."})
    assert Judge(cluster).reason(check) == "It takes a word."
    assert Judge(theirs[1]).reason(check) == ""


def test_each_right_is_asked_for_once(theirs: tuple[objects.Cluster, Cluster]) -> None:
    running, cluster = theirs
    from clusters.addons.api import ClusterApi

    rights = Rights(ClusterApi(cluster.kubeconfig), ["a", "b"])
    running.may = lambda right: right["namespace"] == "a"
    assert rights.missing([Right("get", "pods", "", "a"), Right("get", "pods/log", "", "b")]) == [
        "You may not get pods/log in namespace b: ask for the verb get on pods/log."
    ]
    running.may = lambda _: False
    both = [Right("get", "secrets", "", namespace) for namespace in ("a", "b")]
    assert rights.missing(both) == ["You may not get secrets in namespaces a and b: ask for the verb get on secrets."]
    running.may = lambda right: right["namespace"] == "a"
    asked = len(running.asked)
    assert len(rights.missing(making("pods", "", ["a"]))) == 0
    assert len(running.asked) == asked + 4
