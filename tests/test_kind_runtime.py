"""The runtime for a root that lacks a capability: what is taken out, and where it is looked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clusters import docker_engine
from clusters.embedded import names
from clusters.errors import UsageError
from clusters.kind import rig, runtime

PROCESS = {
    "args": ["sleep"],
    "capabilities": {"bounding": ["CAP_NET_ADMIN", "CAP_SYS_RESOURCE"], "ambient": None},
    "oomScoreAdj": -500,
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1048576}],
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--root", "/r", "create", "--bundle", "/b", "id"], Path("/b/config.json")),
        (["create", "--bundle=/b", "id"], Path("/b/config.json")),
        (["run", "-b", "/b", "id"], Path("/b/config.json")),
        (["exec", "--process", "/p.json", "id"], Path("/p.json")),
        (["exec", "-p", "/p.json", "id"], Path("/p.json")),
        (["state", "id"], None),
        ([], None),
    ],
)
def test_what_is_about_to_run_is_found(arguments: list[str], expected: Path | None) -> None:
    assert runtime.described(arguments) == expected


def test_only_what_needs_the_capability_is_taken_out() -> None:
    assert runtime.allowed(PROCESS) == {"args": ["sleep"], "capabilities": {"bounding": ["CAP_NET_ADMIN"]}}
    assert runtime.allowed({"args": ["x"], "oomScoreAdj": 10}) == {"args": ["x"], "oomScoreAdj": 10}


@pytest.mark.parametrize(("option", "file"), [("--bundle", "config.json"), ("--process", "process.json")])
def test_runc_gets_the_arguments_and_the_amended_description(tmp_path: Path, option: str, file: str) -> None:
    runc = tmp_path / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    runc.chmod(0o755)
    whole = {"process": PROCESS, "hostname": "h"} if file == "config.json" else PROCESS
    (tmp_path / file).write_text(json.dumps(whole), encoding="utf-8")
    where = str(tmp_path if file == "config.json" else tmp_path / file)
    done = subprocess.run(
        [sys.executable, "-I", runtime.__file__, "create", option, where, "id"],
        env={"PATH": f"{runc.parent}:/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["create", option, where, "id"]
    assert "CAP_SYS_RESOURCE" not in (tmp_path / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(("bounding", "whole"), [("000001ffffffffff", True), ("000001fffeffffff", False)])
def test_the_runtime_is_used_only_where_the_capability_is_missing(tmp_path: Path, bounding: str, whole: bool) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tcat\nCapBnd:\t{bounding}\n", encoding="ascii")
    assert rig.has_capability(rig.SYS_RESOURCE, status) is whole
    assert ("runtimes" in rig.daemon_settings(whole)) is not whole


def test_a_socket_that_nobody_serves_does_not_answer(tmp_path: Path) -> None:
    assert not docker_engine.answers(tmp_path / "docker.sock")


def test_the_engine_is_no_cluster() -> None:
    assert names.clusters_of(["rt-kind-rig", "rt-a", "rt-a-n1"]) == ["a"]
    with pytest.raises(UsageError, match="the Docker engine of our own is"):
        names.check_cluster_name(names.RIG)
