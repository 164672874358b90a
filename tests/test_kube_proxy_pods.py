"""kube-proxy as a DaemonSet is restarted with other settings, and has its own again afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import kube_proxy_pods
from clusters.errors import ClusterError
from clusters.kube_proxy_pods import CONFIG_MAP, KEY, OF_KUBE_PROXY, PODS
from clusters.merging import merged

FIRST = "mode: iptables\niptables:\n  minSyncPeriod: 1s\n  syncPeriod: 30s\n"


class Daemons:
    """A DaemonSet's pods in small: a deleted one is followed by another on its node."""

    def __init__(self, *nodes: str) -> None:
        self.config = FIRST
        self.marks: dict[str, str] = {}
        self.count = 0
        self.pods: dict[str, dict[str, Any]] = {}
        self.mode_of: dict[str, str] = {}
        for node in nodes:
            self.start(node)

    def start(self, node: str) -> None:
        self.count += 1
        self.mode_of[node] = yaml.safe_load(self.config)["mode"]
        self.pods[f"kube-proxy-{self.count}"] = {
            "metadata": {"name": f"kube-proxy-{self.count}", "uid": str(self.count)},
            "spec": {"nodeName": node},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }

    def get(self, path: str) -> dict[str, Any]:
        config = {"metadata": {"annotations": self.marks}, "data": {KEY: self.config}}
        return {CONFIG_MAP: config, OF_KUBE_PROXY: {"items": list(self.pods.values())}}[path]

    def request(self, method: str, path: str, body: Any = None, *_: str) -> dict[str, Any]:
        if method == "PATCH":
            self.config = body["data"][KEY]
            told = body["metadata"]["annotations"]
            self.marks = {key: value for key, value in told.items() if value is not None}
        else:
            gone = self.pods.pop(path.removeprefix(f"{PODS}/"))
            self.start(gone["spec"]["nodeName"])
        return {}


def restart(daemons: Daemons, state: Path, nodes: list[str], **changes: Any) -> None:
    kube_proxy_pods.restart(daemons, state, nodes, changes)  # type: ignore[arg-type]


def test_one_nodes_pod_is_made_anew_and_no_other(tmp_path: Path) -> None:
    daemons = Daemons("n1", "n2")
    restart(daemons, tmp_path, ["n2"])
    assert {name: pod["spec"]["nodeName"] for name, pod in daemons.pods.items()} == {
        "kube-proxy-1": "n1",
        "kube-proxy-3": "n2",
    }
    assert daemons.config == FIRST


def test_other_settings_reach_every_node_and_go_again(tmp_path: Path) -> None:
    daemons = Daemons("n1", "n2")
    restart(daemons, tmp_path, ["n1"], mode="nftables", iptables={"syncPeriod": "1m"})
    assert daemons.mode_of == {"n1": "nftables", "n2": "nftables"}
    assert yaml.safe_load(daemons.config)["iptables"] == {"minSyncPeriod": "1s", "syncPeriod": "1m"}
    restart(daemons, tmp_path, ["n1"], nodePortAddresses=["primary"])
    assert daemons.mode_of == {"n1": "iptables", "n2": "iptables"}
    restart(daemons, tmp_path, ["n1", "n2"])
    assert (daemons.config, daemons.marks) == (FIRST, {})


def test_what_a_killed_run_had_changed_is_put_back(tmp_path: Path) -> None:
    daemons = Daemons("n1")
    kube_proxy_pods.restore(daemons, tmp_path)  # type: ignore[arg-type]
    assert daemons.count == 1
    restart(daemons, tmp_path, ["n1"], mode="nftables")
    kube_proxy_pods.restore(daemons, tmp_path)  # type: ignore[arg-type]
    assert (daemons.config, daemons.mode_of) == (FIRST, {"n1": "iptables"})
    kube_proxy_pods.restore(daemons, tmp_path)  # type: ignore[arg-type]
    assert daemons.count == 3


def test_a_restoration_that_broke_off_is_done_again(tmp_path: Path) -> None:
    daemons = Daemons("n1")
    restart(daemons, tmp_path, ["n1"], mode="nftables")
    daemons.config = FIRST  # the ConfigMap is back, and its pod is still of before
    kube_proxy_pods.restore(daemons, tmp_path)  # type: ignore[arg-type]
    assert daemons.mode_of == {"n1": "iptables"}


def test_what_an_administrator_changed_meanwhile_stays(tmp_path: Path) -> None:
    daemons = Daemons("n1")
    restart(daemons, tmp_path, ["n1"], mode="nftables")
    restart(daemons, tmp_path, ["n1"])
    daemons.config = theirs = FIRST.replace("30s", "15s")
    restart(daemons, tmp_path, ["n1"])
    assert daemons.config == theirs
    restart(daemons, tmp_path, ["n1"], mode="nftables")
    daemons.config = theirs = FIRST.replace("30s", "10s")
    with pytest.raises(ClusterError, match="Somebody else has changed"):
        restart(daemons, tmp_path, ["n1"])
    assert daemons.config == theirs


def test_two_runs_do_not_change_it_at_once(tmp_path: Path) -> None:
    daemons = Daemons("n1")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    restart(daemons, tmp_path / "a", ["n1"], mode="nftables")
    with pytest.raises(ClusterError, match=r"Another run \(a\) has changed"):
        restart(daemons, tmp_path / "b", ["n1"], mode="nftables")


def test_a_cluster_without_such_pods_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="No pod of kube-proxy is to be seen on n9"):
        restart(Daemons("n1"), tmp_path, ["n9"])


def test_changes_are_merged_and_nothing_else_is_touched() -> None:
    document = {"a": 1, "b": {"c": 2, "d": 3}}
    assert merged(document, {"b": {"c": 4}, "e": 5}) == {"a": 1, "b": {"c": 4, "d": 3}, "e": 5}
    assert merged(document, {"b": 7}) == {"a": 1, "b": 7}
    assert document == {"a": 1, "b": {"c": 2, "d": 3}}
