"""Namespaces of our own are labelled; in somebody's we make, see and remove nothing but what has our label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clusters.pod_security import modest
from clusters.provider import Cluster
from fixtures import grounds
from fixtures.grounds import CHECK_LABEL, LentNamespace, clear, ground, marked, turns
from fixtures.verdicts import ArrangementError
from fixtures.workloads import RUN_LABEL
from tests.miniatures import objects
from tests.test_needs import OURS

THEIRS = msgspec.structs.replace(OURS, administrator=False, labels={"roadtest.dev/record": "x"})
POD: dict[str, Any] = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}}},
}


class FakeApi:
    """Holds what is applied, and what was there before."""

    def __init__(self, there: dict[str, Any] | None = None) -> None:
        self.there = there
        self.applied: list[Any] = []
        self.made: list[Any] = []
        self.core = self

    def create_namespace(self, body: Any) -> None:
        self.made.append(body["metadata"])

    def get(self, *_: str) -> Any:
        return self.there

    def apply(self, manifest: Any, namespace: str) -> Any:
        self.applied.append((namespace, manifest))
        return manifest


def lent(api: Any, *namespaces: str, turn: int | None = 0, cluster: Cluster = THEIRS) -> Any:
    cluster = msgspec.structs.replace(cluster, namespaces=list(namespaces))
    return ground(api, cluster, "runs-1", "svc.a", Path(), turn=turn)


def test_our_own_namespaces_have_our_labels_and_the_level_that_the_user_wants() -> None:
    api: Any = FakeApi()
    made = ground(api, msgspec.structs.replace(THEIRS, pod_security="restricted"), "20260101-ab12", "svc.a", Path())
    (metadata,) = api.made
    assert metadata["name"] == made.name
    assert made.name.startswith("roadtest-ab12-svc-a-")
    assert metadata["labels"] == {
        "roadtest.dev/record": "x",
        RUN_LABEL: "20260101-ab12",
        "pod-security.kubernetes.io/enforce": "restricted",
    }


@pytest.mark.parametrize(
    ("namespaces", "turn", "expected"),
    [
        (("a",), None, "a"),
        (("a",), 0, "a"),
        (("a", "b"), None, "a"),
        (("a", "b"), 0, "b"),
        (("a", "b", "c"), 1, "c"),
        (("a", "b", "c"), 2, "b"),
    ],
)
def test_each_process_keeps_to_a_namespace_that_is_not_the_senders(
    namespaces: tuple[str, ...], turn: int | None, expected: str
) -> None:
    assert lent(FakeApi(), *namespaces, turn=turn).name == expected


def test_as_many_processes_as_namespaces_without_the_senders() -> None:
    counts = [turns(msgspec.structs.replace(THEIRS, namespaces=["a"] * count)) for count in (1, 2, 3)]
    assert counts == [1, 1, 2]


def test_what_lies_in_somebodys_namespace_is_labelled_and_so_are_its_pods(
    running: tuple[objects.Cluster, Cluster],
) -> None:
    api: Any = FakeApi()
    namespace = lent(api, "team-a", cluster=running[1])
    assert isinstance(namespace, LentNamespace)
    namespace.apply_object(WEB)
    ((where, applied),) = api.applied
    assert where == "team-a"
    for labels in (applied["metadata"]["labels"], applied["spec"]["template"]["metadata"]["labels"]):
        assert labels.items() >= {**THEIRS.labels, RUN_LABEL: "runs-1"}.items()
        assert labels[CHECK_LABEL].startswith("svc.a-")
    assert applied["spec"]["template"]["metadata"]["labels"]["app"] == "web"


def test_an_object_of_somebody_is_never_overwritten() -> None:
    api: Any = FakeApi({"metadata": {"name": "web", "labels": {"app": "theirs"}}})
    with pytest.raises(ArrangementError, match="team-a has a Deployment web that is not this check's"):
        lent(api, "team-a").apply_object(WEB)
    assert api.applied == []


def test_labels_leave_the_given_manifest_as_it_is() -> None:
    assert marked({"kind": "Service", "metadata": {"name": "s"}}, {"a": "b"})["metadata"]["labels"] == {"a": "b"}
    marked(WEB, {"a": "b"})
    assert "labels" not in WEB["metadata"]


def resources(*names: tuple[str, str]) -> Any:
    verbs = ["list", "delete"]
    return {"resources": [{"name": name, "kind": kind, "namespaced": True, "verbs": verbs} for name, kind in names]}


SERVED = {
    "/apis": {
        "groups": [{"preferredVersion": {"groupVersion": version}} for version in ("apps/v1", "x.example/v1", "b/v1")]
    },
    "/api/v1": resources(("services", "Service")),
    "/apis/apps/v1": resources(("deployments", "Deployment")),
    "/apis/x.example/v1": resources(("things", "Thing"), ("things/status", "Thing")),
}
"""A group of the list, ``b``, does not answer."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[objects.Cluster, Cluster]]:
    with objects.serving(objects.Cluster(SERVED)) as served:
        grounds.connection.cache_clear()
        yield served, msgspec.structs.replace(THEIRS, kubeconfig=served.kubeconfig(tmp_path), owned=False)


def test_the_end_of_a_run_removes_what_has_its_label_and_looks_no_further(
    running: tuple[objects.Cluster, Cluster],
) -> None:
    served, cluster = running
    services = "/api/v1/namespaces/team-a/services"
    served.objects[services] = objects.listed({"metadata": {"name": "web"}})
    served.objects["/apis/x.example/v1/namespaces/team-a/things"] = objects.listed({"metadata": {"name": "a"}})
    served.hidden.add("/api/v1/namespaces")
    clear(FakeApi(), msgspec.structs.replace(cluster, namespaces=["team-a"]), "runs-1")  # type: ignore[arg-type]
    things = "/apis/x.example/v1/namespaces/team-a/things"
    assert [asked for asked in served.asked if not asked.startswith("GET")] == [
        f"DELETE {services}/web",
        f"DELETE {things}/a",
    ]
    looked = [asked for asked in served.asked if "GET" in asked and "namespaces" in asked]
    assert all("labelSelector=roadtest.dev/run%3Druns-1" in asked for asked in looked)
    assert not [asked for asked in served.asked if "ingressclasses" in asked]


def test_a_pod_asks_for_no_more_than_it_needs() -> None:
    spec = modest(POD, 65532)["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "securityContext" not in POD["spec"]
    assert "runAsUser" not in modest(POD, 0)["spec"]["securityContext"]
    assert modest(WEB, 1)["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 1


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({**POD, "spec": {**POD["spec"], "hostNetwork": True}}, id="a node's own network"),
        pytest.param(
            {**POD, "spec": {"containers": [{"name": "c", "securityContext": {"runAsUser": 0}}]}}, id="it must be root"
        ),
        pytest.param({"kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": []}}, id="no workload"),
        pytest.param({"kind": "ConfigMap", "metadata": {"name": "s"}, "data": {}}, id="without a spec"),
    ],
)
def test_what_needs_more_or_is_no_pod_stays_as_it_is(manifest: dict[str, Any]) -> None:
    assert modest(manifest, 65532) == manifest
