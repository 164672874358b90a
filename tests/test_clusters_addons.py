"""Add-ons: every placeholder has a value, what is rolled out is judged right, a refusal is told."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.addons import install, manifests
from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.addons.probes import patient
from clusters.errors import ClusterError

VALUES = {
    "dns_address": "10.96.0.10",
    "dns_domain": "cluster.local",
    "upstream": "172.30.0.151",
    "coredns_image": "coredns:1",
    "metallb_controller_image": "controller:1",
    "metallb_speaker_image": "speaker:1",
    "memberlist_key": "a2V5",
    "load_balancer_pool": "172.30.0.200-172.30.0.250",
}


def objects() -> list[dict[str, Any]]:
    return [
        manifest
        for addon in ("rbac", "coredns", "metallb")
        for manifest in manifests.load(manifests.FOLDER / addon, VALUES)
    ]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(manifest for manifest in objects() if (manifest["kind"], manifest["metadata"]["name"]) == (kind, name))


def test_every_placeholder_has_a_value() -> None:
    assert "${" not in json.dumps(objects())
    with pytest.raises(KeyError, match="dns_address"):
        manifests.load(manifests.FOLDER / "coredns", {name: "" for name in VALUES if name != "dns_address"})


def test_dns_asks_the_outside_server_and_remembers_nothing() -> None:
    corefile = named("ConfigMap", "coredns")["data"]["Corefile"]

    assert "forward . 172.30.0.151 {" in corefile
    assert "cache" not in corefile
    assert named("Service", "kube-dns")["spec"]["clusterIP"] == "10.96.0.10"


def test_every_role_that_is_bound_is_there() -> None:
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in objects()}
    there.add(("ClusterRole", "system:kubelet-api-admin"))
    bound = {
        (manifest["roleRef"]["kind"], manifest["roleRef"]["name"]) for manifest in objects() if "roleRef" in manifest
    }

    assert bound <= there


def deployment(**status: int) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}


def daemon_set(**status: int) -> dict[str, Any]:
    return {"kind": "DaemonSet", "metadata": {"generation": 1}, "status": status}


@pytest.mark.parametrize(
    ("workload", "rolled_out"),
    [
        (deployment(observedGeneration=2, readyReplicas=2, updatedReplicas=2), True),
        (deployment(observedGeneration=1, readyReplicas=2, updatedReplicas=2), False),
        (deployment(observedGeneration=2, readyReplicas=1, updatedReplicas=2), False),
        (deployment(observedGeneration=2, readyReplicas=2, updatedReplicas=1), False),
        (deployment(), False),
        (daemon_set(observedGeneration=1, desiredNumberScheduled=3, numberReady=3, updatedNumberScheduled=3), True),
        (daemon_set(observedGeneration=1, desiredNumberScheduled=3, numberReady=2, updatedNumberScheduled=3), False),
        (daemon_set(observedGeneration=1, desiredNumberScheduled=0, numberReady=0, updatedNumberScheduled=0), False),
    ],
)
def test_rolled_out_means_every_pod_new_and_ready(workload: dict[str, Any], rolled_out: bool) -> None:
    assert install.rolled_out(workload) is rolled_out


# ---- against a small API server -----------------------------------------------------------------------------------


class Answers:
    """What the server answers, per method and path; the last answer stays."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.queue: dict[str, list[tuple[int, Any]]] = {
            "GET /api/v1": [
                (
                    200,
                    {
                        "resources": [
                            {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
                            {"name": "pods/log", "kind": "Pod", "namespaced": True},
                            {"name": "nodes", "kind": "Node", "namespaced": False},
                        ]
                    },
                )
            ]
        }

    def next(self, request: str) -> tuple[int, Any]:
        self.asked.append(request)
        queue = self.queue.get(request.partition("?")[0], [(404, {"message": "nothing here"})])
        return queue.pop(0) if len(queue) > 1 else queue[0]


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def api(answers: Answers, tmp_path: Path) -> Iterator[ClusterApi]:
    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers.next(f"{self.command} {self.path}")
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) + (self.path == STALLING)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_POST = reply  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                "users": [{"name": "u", "user": {"token": "abc"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    yield ClusterApi(kubeconfig)
    server.shutdown()
    server.server_close()


STALLING = "/stalls"
"""An answer from here lacks its last byte."""
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}


def test_an_object_is_applied_where_the_server_says_its_kind_lives(api: ClusterApi, answers: Answers) -> None:
    answers.queue["PATCH /api/v1/namespaces/b/configmaps/a"] = [(200, CONFIG_MAP)]

    assert api.apply(CONFIG_MAP) == CONFIG_MAP
    assert answers.asked[-1] == "PATCH /api/v1/namespaces/b/configmaps/a?fieldManager=roadtest&force=true"
    assert api.path_of({**CONFIG_MAP, "kind": "Node"}) == "/api/v1/nodes/a"
    with pytest.raises(ApiError, match="the kind Pod of v1 is not known"):
        api.path_of({**CONFIG_MAP, "kind": "Pod"})


def test_an_answer_that_stops_in_the_middle_is_one_of_a_server_that_is_too_busy(
    api: ClusterApi, answers: Answers
) -> None:
    answers.queue[f"GET {STALLING}"] = [(200, CONFIG_MAP)]
    with pytest.raises(ApiError, match="GET /stalls") as error:
        api.get(STALLING, seconds=0.2)
    assert error.value.status == 0


def test_what_the_server_does_not_take_yet_is_tried_again(api: ClusterApi, answers: Answers) -> None:
    answers.queue["PATCH /api/v1/namespaces/b/configmaps/a"] = [
        (404, {"message": 'namespaces "b" not found'}),
        (503, "upstream"),
        (200, CONFIG_MAP),
    ]
    install.apply_all(api, [CONFIG_MAP], check=lambda: None)
    assert sum(request.startswith("PATCH") for request in answers.asked) == 3


def test_what_the_server_refuses_for_good_is_told_in_its_words(api: ClusterApi, answers: Answers) -> None:
    answers.queue["PATCH /api/v1/namespaces/b/configmaps/a"] = [(422, {"message": "data: Invalid value"})]
    with pytest.raises(ClusterError, match="data: Invalid value"):
        install.apply_all(api, [CONFIG_MAP], check=lambda: None)


def test_a_server_that_is_not_there_is_an_error_of_status_0(tmp_path: Path, api: ClusterApi) -> None:
    text = (tmp_path / "kubeconfig").read_text()
    server = yaml.safe_load(text)["clusters"][0]["cluster"]["server"]
    (tmp_path / "kubeconfig").write_text(text.replace(server, "http://127.0.0.1:1"))
    with pytest.raises(ApiError) as told:
        ClusterApi(tmp_path / "kubeconfig").get("/api/v1")
    assert told.value.status == 0


def test_a_busy_server_is_asked_again_and_a_refusal_is_final(api: ClusterApi, answers: Answers) -> None:
    path = "/apis/apps/v1/namespaces/a/deployments/b"
    ready = deployment(observedGeneration=2, readyReplicas=2, updatedReplicas=2)
    answers.queue[f"GET {path}"] = [(500, "etcdserver: request timed out"), (429, ""), (200, ready)]
    wait_until(lambda: install.is_rolled_out(api, path), what="b", seconds=5)

    answers.queue[f"GET {path}"] = [(403, {"message": "forbidden"})]
    with pytest.raises(ApiError, match="forbidden"):
        wait_until(lambda: install.is_rolled_out(api, path), what="b", seconds=5)

    answers.queue[f"GET {path}"] = [(500, "etcdserver: request timed out")]
    with pytest.raises(ClusterError, match=r"b did not happen .*etcdserver: request timed out"):
        wait_until(lambda: install.is_rolled_out(api, path), what="b", seconds=0.1)


def test_pods_that_are_not_ready_say_what_they_wait_for(api: ClusterApi, answers: Answers) -> None:
    ready = {
        "metadata": {"namespace": "a", "name": "fine"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    waiting = {
        "metadata": {"namespace": "a", "name": "waiting"},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"state": {"waiting": {"reason": "ErrImageNeverPull"}}}],
        },
    }
    answers.queue["GET /api/v1/pods"] = [(200, {"items": [ready, waiting]})]

    assert install.not_ready(api) == "a/waiting: Pending ErrImageNeverPull"


def test_a_wait_names_what_did_not_happen_and_a_dead_process_ends_it_at_once() -> None:
    with pytest.raises(ClusterError, match=r"The API server answering did not happen within 0\.05 s"):
        wait_until(lambda: False, what="The API server answering", seconds=0.05)

    def died() -> None:
        raise ClusterError("etcd ended")

    with pytest.raises(ClusterError, match="etcd ended"):
        wait_until(lambda: False, what="x", seconds=60, check=died)


def test_a_machine_that_takes_long_to_answer_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    answers = iter([False, False, True])
    monkeypatch.setattr("clusters.addons.api.time.sleep", slept.append)

    def slow() -> bool:
        threading.Event().wait(0.02)
        return next(answers)

    wait_until(slow, what="an answer", seconds=60)
    assert len(slept) == 2
    assert all(seconds >= 4 * 0.02 for seconds in slept)


def test_a_slow_machine_kills_no_pod_for_being_slow() -> None:
    deployment = named("Deployment", "controller")
    before = copy.deepcopy(deployment)
    (usual,) = deployment["spec"]["template"]["spec"]["containers"]
    (told,) = patient(deployment, 20)["spec"]["template"]["spec"]["containers"]

    assert patient(deployment, 1) is deployment
    assert deployment == before
    assert told["livenessProbe"]["initialDelaySeconds"] == 20 * usual["livenessProbe"]["initialDelaySeconds"]
    assert told["livenessProbe"]["timeoutSeconds"] == 20, "the usual second, which the manifest leaves out"
    assert told["livenessProbe"]["httpGet"] == usual["livenessProbe"]["httpGet"]
    assert told["readinessProbe"].get("periodSeconds") == usual["readinessProbe"].get("periodSeconds")
    assert patient({"kind": "ConfigMap", "data": {}}, 20) == {"kind": "ConfigMap", "data": {}}


def test_a_pod_that_pauses_before_it_ends_does_so_for_longer_and_is_given_the_time() -> None:
    container = {"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
    pods = patient(deployment, 4)["spec"]["template"]["spec"]

    assert pods["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == 20
    assert pods["terminationGracePeriodSeconds"] == 45
