"""A grid's pods on a cluster: what is asked for, and the one sentence where a pod does not come up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from clusters.errors import ClusterError
from fixtures.api import Object, Refusal, documents
from loadprofiles.elsewhere import entrance, why_not
from loadprofiles.grid import PORT, Grid
from loadprofiles.pods import placing
from loadprofiles.pods.placing import MASTER, NAME_ANOTHER, WORKER, Pods, check_rights
from loadprofiles.profile import chosen
from tests.miniatures.cluster import a_cluster

IMAGE = "registry.example/load:1"


class ANamespace:
    """Keeps what is created, and tells each pod as ``status`` has it."""

    def __init__(self, *, refuses: str = "", status: dict[str, Any] | None = None, hides: bool = False) -> None:
        self.name = "ours"
        self.pods_run_as = 65532
        self.created: list[Object] = []
        self._refuses = refuses
        self._status = status
        self._hides = hides
        self.api = SimpleNamespace(core=self)

    def read(self, manifest: Path) -> list[Object]:
        return documents(manifest.read_text(encoding="utf-8"))

    def refusal(self, manifest: Object) -> Refusal | None:
        capabilities = manifest["spec"]["containers"][0]["securityContext"]["capabilities"]
        if self._refuses in {"everything", "quota"} or (self._refuses == "SYS_NICE" and "add" in capabilities):
            status = 422 if self._refuses == "quota" else 403
            return Refusal(status=status, reason="", message='violates PodSecurity "restricted:latest".')
        self.created.append(manifest)
        return None

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> Any:
        assert (namespace, label_selector) == ("ours", "app in (load-master,load-worker)")
        every = [] if self._status is None else self.created
        return SimpleNamespace(items=[a_pod(pod["metadata"], self._status or {}) for pod in every])

    def events(self) -> list[str]:
        if self._hides:
            raise ApiException(403)
        names = [pod["metadata"]["name"] for pod in self.created]
        return [f"12:00 Warning Pod/{name} Evicted: low on memory" for name in [*names, "another"]]

    def read_namespaced_pod_log(self, *_: Any, **__: Any) -> str:
        if self._hides:
            raise ApiException(400)
        return f"first line\n{'x' * 1000}\n"


def a_pod(metadata: Object, status: dict[str, Any]) -> Any:
    fields = {"phase": "Pending", "reason": None, "message": None, "conditions": [], "container_statuses": None}
    gone = {"deletion_timestamp": status.get("deleted")}
    return SimpleNamespace(metadata=SimpleNamespace(**metadata | gone), status=SimpleNamespace(**fields | status))


def condition(kind: str, status: str, message: str = "") -> Any:
    return SimpleNamespace(type=kind, status=status, message=message, reason="")


def container(waiting: tuple[str, str] | None = None, exit_code: int | None = None) -> list[Any]:
    state = SimpleNamespace(
        waiting=SimpleNamespace(reason=waiting[0], message=waiting[1]) if waiting else None,
        terminated=None if exit_code is None else SimpleNamespace(exit_code=exit_code),
    )
    return [SimpleNamespace(state=state)]


RUNNING = {"phase": "Running", "conditions": [condition("Ready", "True")]}


def pods(namespace: ANamespace, seconds: float = 0.0) -> Pods:
    return Pods(namespace, IMAGE, seconds)  # type: ignore[arg-type]


def test_a_master_takes_input_and_a_worker_is_told_its_address() -> None:
    namespace = ANamespace(status=RUNNING)
    grid = pods(namespace)
    names = [grid.put(MASTER, "2"), grid.put(WORKER, "10.0.0.7:5557"), grid.put(WORKER, "10.0.0.7:5557")]
    assert len(set(names)) == 3
    assert [pod.metadata.name for pod in grid.wait(names)] == names
    assert [pod.metadata.name for pod in grid.living(WORKER)] == names[1:]
    master, worker, _ = (pod["spec"] for pod in namespace.created)
    (speaking,) = master["containers"]
    assert speaking["args"] == ["master", "--listen", f"$(ADDRESS):{PORT}", "--workers", "2"]
    assert (speaking["image"], speaking["stdin"], speaking["stdinOnce"]) == (IMAGE, True, True)
    assert speaking["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    (sending,) = worker["containers"]
    assert sending["args"] == ["worker", "--master", "10.0.0.7:5557"]
    assert sending["securityContext"]["capabilities"]["add"] == ["SYS_NICE"]
    assert master["restartPolicy"] == worker["restartPolicy"] == "Never"


def test_a_cluster_that_admits_no_sys_nice_gets_workers_without() -> None:
    namespace = ANamespace(refuses="SYS_NICE")
    pods(namespace).put(WORKER, "10.0.0.7:5557")
    (worker,) = namespace.created
    assert worker["spec"]["securityContext"]["runAsUser"] == 65532
    assert worker["spec"]["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("refuses", ["everything", "quota"])
@pytest.mark.parametrize("app", [MASTER, WORKER])
def test_a_cluster_that_refuses_a_pod_is_quoted(app: str, refuses: str) -> None:
    with pytest.raises(ClusterError, match=rf'refuses pod {app}-\w+: violates PodSecurity "restricted:latest"\.$'):
        pods(ANamespace(refuses=refuses)).put(app)


NOT_PULLED = ("ImagePullBackOff", "registry.example/load:1: not found")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"container_statuses": container(waiting=NOT_PULLED)}, f"waits: {', '.join(NOT_PULLED)}. {NAME_ANOTHER}"),
        (
            {"phase": "Failed", "container_statuses": container(exit_code=2)},
            f"ended with status 2. Its last events: Evicted: low on memory. Its last lines: first line | {'x' * 300}.",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "Low on memory."}, "ended: Evicted: Low on memory. Its"),
        ({"deleted": "12:00"}, "was deleted. Its last events"),
        (None, "was deleted. Its last events"),
        (
            {"conditions": [condition("PodScheduled", "False", "Insufficient cpu.")]},
            "was not Ready within 0 s: it has no node: Insufficient cpu. Its last events",
        ),
        (
            {"container_statuses": container(waiting=("ContainerCreating", ""))},
            "was not Ready within 0 s: it waits: ContainerCreating. Its",
        ),
        ({"conditions": [condition("Ready", "False")]}, "was not Ready within 0 s: it is Pending. Its"),
    ],
    ids=["no image", "it failed", "evicted", "deleted", "gone", "no room", "being made", "not ready"],
)
def test_a_pod_that_never_runs_says_why(status: dict[str, Any] | None, told: str) -> None:
    namespace = ANamespace(status=status)
    grid = pods(namespace)
    name = grid.put(MASTER, "2")
    with pytest.raises(ClusterError) as error:
        grid.wait([name])
    assert str(error.value).startswith(f"Pod {name} {told}")


def test_what_may_not_be_seen_explains_nothing() -> None:
    namespace = ANamespace(status={}, hides=True)
    grid = pods(namespace)
    name = grid.put(MASTER, "2")
    with pytest.raises(ClusterError, match=rf"^Pod {name} was not Ready within 0 s: it is Pending\.$"):
        grid.wait([name])


def test_a_worker_that_is_lost_is_not_living() -> None:
    namespace = ANamespace(status={"phase": "Failed", "container_statuses": container(exit_code=137)})
    grid = pods(namespace)
    grid.put(WORKER, "10.0.0.7:5557")
    assert grid.living(WORKER) == []


def test_each_right_that_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def review(_: str, path: str, body: Any) -> Any:
        what = body["spec"]["resourceAttributes"]
        asked.append((what["verb"], what["resource"] + what["subresource"], what["namespace"]))
        return {"status": {"allowed": not what["subresource"]}}

    monkeypatch.setattr(placing, "connection", lambda _: SimpleNamespace(request=review))
    check_rights(a_cluster())
    assert asked == [], "who may do everything need not ask"
    with pytest.raises(ClusterError) as error:
        check_rights(a_cluster(administrator=False, namespaces=["team-a", "team-b"]))
    assert str(error.value).splitlines() == [
        f"You may not {verb} pods/attach in namespace team-a: ask for the verb {verb} on pods/attach."
        for verb in ("get", "create")
    ]
    assert ("create", "pods", "team-a") in asked


@pytest.mark.parametrize(
    ("said", "grid", "told"),
    [
        ({"owned": False}, Grid(workers=2, pods=True), "load takes --i-own-this-cluster"),
        ({}, Grid(workers=2, pods=True), ""),
        ({}, None, "--grid pods sends from there"),
        ({"administrator": True}, None, ""),
    ],
    ids=["not theirs", "by pods", "from here", "a cluster of ours"],
)
def test_pods_send_to_a_cluster_that_we_did_not_make(said: dict[str, Any], grid: Grid | None, told: str) -> None:
    cluster = a_cluster(**{"provider": "existing", "administrator": False, **said})
    (profile,) = chosen(["clusterip-per-request"])
    why = why_not(profile, cluster, grid)
    assert (told in why) if told else why == ""


@pytest.mark.parametrize(
    ("address", "network"), [("192.0.2.80", "192.0.2.80/32"), ("2001:db8::80", "2001:db8::80/128")]
)
def test_the_way_in_that_a_user_names_is_one_address(address: str, network: str) -> None:
    assert entrance(a_cluster(owned=True, administrator=False), address) == [network]
    assert entrance(a_cluster(), address) == []
