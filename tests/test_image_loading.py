"""Images brought into a running cluster's nodes: what is asked of containerd on each, and what it may refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.embedded import image_loading
from clusters.errors import ClusterError, UsageError
from clusters.existing import ExistingProvider
from clusters.progress import SilentProgress
from tests.miniatures.cluster import a_cluster

CTR = """#!/bin/sh
shift 2
echo "$NODE $*" >> {log}
[ "$2" = list ] && echo a/b:1
[ "$2" = import ] && [ "$NODE" = n2 ] && {{ echo 'ctr: no space left on device' >&2; exit 1; }}
exit 0
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ctr = tmp_path / "ctr"
    ctr.write_text(CTR.format(log=tmp_path / "log"), encoding="utf-8")
    ctr.chmod(0o755)
    monkeypatch.setattr("clusters.components.resolve", lambda *_: {"ctr": ctr})
    return tmp_path / "log"


def test_each_node_gets_what_it_lacks(log: Path) -> None:
    entrances = {name: ["env", f"NODE={name}"] for name in ("n1", "n3")}
    archives = {"a/b:1": Path("/cache/b.tar"), "c/d:2": Path("/cache/d.tar")}
    image_loading.load(entrances, archives, SilentProgress())
    asked = log.read_text(encoding="utf-8").splitlines()
    imports = sorted((line.split()[0], line.split()[-1]) for line in asked if " import " in line)
    assert imports == [("n1", "/cache/d.tar"), ("n3", "/cache/d.tar")]


def test_a_node_that_refuses_is_told(log: Path) -> None:
    with pytest.raises(ClusterError, match="could not be loaded into n2: ctr: no space left on device"):
        image_loading.load({"n2": ["env", "NODE=n2"]}, {"c/d:2": Path("/cache/d.tar")}, SilentProgress())
    assert log.exists()


def test_nothing_is_put_on_nodes_that_are_not_ours() -> None:
    with pytest.raises(UsageError, match="the cluster is not ours"):
        ExistingProvider().load_images(a_cluster(provider="existing"), {}, SilentProgress())
