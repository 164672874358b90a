"""A ``docker`` command that keeps its containers, networks and images in a folder, and writes down what it is told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """\
#!{python} -I
import json, sys
from pathlib import Path
state = Path({state!r})
told = json.loads(state.read_text())
words = [word for word in sys.argv[1:]]
if words[:1] == ["--host"]:
    words = words[2:]
with Path({log!r}).open("a") as log:
    log.write(json.dumps(words) + "\\n")
def out(text): print(text); sys.exit(0)
def fail(text): print(text, file=sys.stderr); sys.exit(1)
for begin, text in told["fails"].items():
    if " ".join(words).startswith(begin): fail(text)
if words[0] == "info": out(json.dumps(told["info"]))
if words[0] == "version": out(told["api"])
if words[0] == "ps":
    wanted = [words[at + 1] for at, word in enumerate(words) if word == "--filter"]
    out("\\n".join(one["Id"] for one in told["containers"] if all(want in one["filters"] for want in wanted)))
if words[1:2] == ["inspect"]:
    name = words[2]
    found = [one for one in told[words[0] + "s"] if name in (one.get("Id"), one.get("Name", "").lstrip("/"))]
    if not found: fail("Error: No such " + words[0] + ": " + name)
    out(json.dumps(found))
if words[0] == "rm":
    told["containers"] = [one for one in told["containers"] if one["Id"] not in words]
    state.write_text(json.dumps(told))
if words[:2] == ["network", "create"]:
    subnet = words[words.index("--subnet") + 1]
    if subnet in told["taken"]: fail("Error response from daemon: Pool overlaps with other one on this address space")
if words[:2] == ["network", "rm"]:
    told["networks"] = [one for one in told["networks"] if one["Name"] != words[2]]
    state.write_text(json.dumps(told))
"""


class Docker:
    """The command, first on PATH; what it has can be changed at any time."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = folder / "docker.json"
        self.log = folder / "docker.log"
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(PROGRAM.format(python=sys.executable, state=str(self.state), log=str(self.log)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        self.has(
            info={"ServerVersion": "28.0", "DockerRootDir": str(folder), "KernelVersion": "other"},
            api="1.50", containers=[], networks=[], images=[], taken=[], fails={},
        )  # fmt: skip

    def has(self, **changes: Any) -> None:
        """Change what the engine has."""
        before = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps({**before, **changes}))

    def told(self, *begin: str) -> list[list[str]]:
        """The commands so far that begin so."""
        every = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [words for words in every if words[: len(begin)] == list(begin)]


def container(identity: str, name: str, *filters: str, **state: Any) -> dict[str, Any]:
    """A container as `docker inspect` tells of it; ``filters`` are those of `docker ps` that find it."""
    return {
        "Id": identity,
        "Name": f"/{name}",
        "filters": filters,
        "State": {"Pid": 0, "Running": True, **state},
        "Config": {"Hostname": name},
        "NetworkSettings": {"SandboxKey": "", "Networks": {}},
    }
