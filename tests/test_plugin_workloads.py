"""A check's namespace: what counts as Ready, what it is called, and what is sent to the API."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace as Made
from typing import Any

import pytest

from fixtures import timeouts
from fixtures.verdicts import ArrangementError
from fixtures.workloads import NEVER_READY, Namespace, Pod, label_of, lacking


def pod(name: str, *, ready: bool = True, **labels: str) -> Pod:
    return Pod(name=name, node="n1", address="10.244.1.2", ready=ready, labels={"app": "web", **labels})


def deployment(*, replicas: int = 2, updated: int = 2, observed: int = 1, labels: dict[str, str] | None = None) -> Any:
    return Made(
        metadata=Made(name="web", generation=1, labels=labels),
        spec=Made(replicas=replicas, selector=Made(match_labels={"app": "web"})),
        status=Made(observed_generation=observed, updated_replicas=updated, unavailable_replicas=None),
    )


def daemon_set(*, scheduled: int) -> Any:
    return Made(
        metadata=Made(name="vantage", generation=1, labels={}),
        spec=Made(selector=Made(match_labels={"app": "web"})),
        status=Made(observed_generation=1, desired_number_scheduled=scheduled),
    )


BOTH = [pod("a"), pod("b")]


@pytest.mark.parametrize(
    ("workload", "pods"),
    [
        pytest.param(deployment(), BOTH, id="all its pods are ready"),
        pytest.param(deployment(), [*BOTH, pod("x", app="other")], id="another's pods are not counted"),
        pytest.param(deployment(replicas=0, updated=0), [], id="none is wanted"),
        pytest.param(daemon_set(scheduled=2), BOTH, id="one on every node"),
    ],
)
def test_what_is_as_it_is_wanted_lacks_nothing(workload: Any, pods: list[Pod]) -> None:
    assert lacking(workload, pods) == []


@pytest.mark.parametrize(
    ("workload", "pods"),
    [
        pytest.param(deployment(), [pod("a"), pod("b", ready=False)], id="one is not ready"),
        pytest.param(deployment(), [pod("a")], id="one was just deleted"),
        pytest.param(deployment(replicas=1), BOTH, id="one too many"),
        pytest.param(deployment(updated=1), BOTH, id="one is of before"),
        pytest.param(deployment(observed=0), BOTH, id="the controller has not looked yet"),
        pytest.param(daemon_set(scheduled=0), [], id="none is scheduled yet"),
        pytest.param(daemon_set(scheduled=3), BOTH, id="one node has none"),
    ],
)
def test_what_is_not_as_it_is_wanted_is_told(workload: Any, pods: list[Pod]) -> None:
    (told,) = lacking(workload, pods)
    assert "pods ready" in told


class FakeApi:
    """Lists what it was given, and remembers what was applied."""

    def __init__(self, deployments: list[Any], pods: list[Any]) -> None:
        none: Any = lambda _: Made(items=[])  # noqa: E731
        self.apps = Made(
            list_namespaced_deployment=lambda _: Made(items=deployments),
            list_namespaced_stateful_set=none,
            list_namespaced_daemon_set=none,
        )
        self.core = Made(
            list_namespaced_pod=lambda _, label_selector: Made(items=pods), create_namespace=self.created_namespace
        )
        self.applied: list[Any] = []
        self.made: list[Any] = []

    def created_namespace(self, body: Any) -> None:
        self.made.append(body)

    def apply(self, manifest: Any, namespace: str) -> Any:
        self.applied.append((namespace, manifest))
        return manifest


def stored(name: str, *, ready: bool, labels: dict[str, str]) -> Any:
    conditions = [Made(type="Ready", status=str(ready))]
    return Made(
        metadata=Made(name=name, labels=labels, deletion_timestamp=None),
        spec=Made(node_name="n1"),
        status=Made(pod_ip="10.244.1.2", host_ip="172.30.0.11", conditions=conditions),
    )


@pytest.fixture
def _hurry() -> Any:
    timeouts.stretch(0.001)
    yield
    timeouts.stretch(1.0)


@pytest.mark.usefixtures("_hurry")
def test_pods_that_never_become_ready_are_an_error_of_ours() -> None:
    api: Any = FakeApi([], [stored("lonely", ready=False, labels={})])
    with pytest.raises(ArrangementError, match=r"pod lonely is not ready.*kubectl -n rt-x describe pods"):
        Namespace(api, "rt-x", Path()).wait_ready()


@pytest.mark.usefixtures("_hurry")
def test_what_is_meant_to_stay_unready_is_not_waited_for() -> None:
    meant = {NEVER_READY: "true", "app": "web"}
    api: Any = FakeApi([deployment(labels=meant)], [stored("never", ready=False, labels=meant)])
    assert [pod.ready for pod in Namespace(api, "rt-x", Path()).wait_ready()] == [False]


def test_mutants_see_objects_before_they_are_applied_and_the_namespace_when_it_is_arranged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api: Any = FakeApi([], [])
    seen: list[str] = []
    monkeypatch.setattr(Namespace, "manifest_filters", [lambda manifest: {**manifest, "spec": {"broken": True}}])
    monkeypatch.setattr(Namespace, "arranged", [lambda namespace: seen.append(namespace.name)])
    namespace = Namespace(api, "rt-x", Path())
    namespace.apply_text("kind: Service\n---\n---\nkind: Pod\n")
    assert api.applied == [
        ("rt-x", {"kind": "Service", "spec": {"broken": True}}),
        ("rt-x", {"kind": "Pod", "spec": {"broken": True}}),
    ]
    namespace.wait_ready()
    assert seen == ["rt-x"]


@pytest.mark.parametrize("run", ["20261121-0945-a1b2", "My run / №1", "ü", "x" * 100, "-._"])
def test_every_runs_name_gives_names_and_labels_that_kubernetes_takes(run: str) -> None:
    api: Any = FakeApi([], [])
    first = Namespace.create(api, run, "svc.clusterip.internal-only and more of it", Path(), labels={"team": "a"})
    second = Namespace.create(api, run, "svc.clusterip.internal-only and more of it", Path())
    assert first.name != second.name
    for body in api.made:
        name, labels = body["metadata"]["name"], body["metadata"]["labels"]
        assert len(name) <= 63
        assert all(part.isalnum() and part == part.lower() and part.isascii() for part in name.split("-"))
        assert labels["roadtest.dev/run"] == label_of(run)
    assert api.made[0]["metadata"]["labels"]["team"] == "a"
    assert len(label_of(run)) <= 63


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, None), (10.0, 10)], ids=["ordinary", "slow"])
def test_probes_of_a_cases_pods_are_stretched_as_every_time_out_is(
    monkeypatch: pytest.MonkeyPatch, factor: float, seconds: int | None
) -> None:
    monkeypatch.setattr("fixtures.workloads.slowness", lambda: factor)
    api: Any = FakeApi([], [])
    containers = [{"name": "a", "readinessProbe": {"periodSeconds": 1}}]
    Namespace(api, "rt-x", Path()).apply_object(
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}
    )
    ((_, applied),) = api.applied
    (probe,) = (one["readinessProbe"] for one in applied["spec"]["template"]["spec"]["containers"])
    assert probe.get("timeoutSeconds") == seconds
    assert probe["periodSeconds"] == 1
