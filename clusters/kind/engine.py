"""The Docker engine that kind uses: which one it is, and its command line.

kind itself runs the ``docker`` command (https://kind.sigs.k8s.io/docs/user/quick-start/#installation), and so does what
we do beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from clusters import docker_engine, system_packages
from clusters.errors import ClusterError, MachineError

from . import rig

COMMAND_SECONDS = 120.0
CURE = "Start Docker; or an engine of our own: ./noxw -s kind-rig -- start; or choose the provider embedded."
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
"""kind hands these on to its nodes, and a cluster's own network leads to no proxy."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that answers."""

    host: str
    """What DOCKER_HOST must be."""
    ours: bool = False
    """Whether it is the one in namespaces of its own (`clusters.kind.rig`)."""

    @property
    def environment(self) -> dict[str, str]:
        """What docker and kind are run with."""
        kept = {name: value for name, value in os.environ.items() if name.upper() not in PROXIES}
        return {**kept, "DOCKER_HOST": self.host, "DOCKER_CLI_HINTS": "false"}

    @property
    def docker(self) -> str:
        return system_packages.find("docker") or "docker"

    def run(
        self, *words: str, given: Path | str | None = None, seconds: float = COMMAND_SECONDS, cure: str = ""
    ) -> str:
        """Run ``docker …`` and give what it printed; `ClusterError` with its own words where it fails.

        ``given``: what it reads, a file or a text.
        """
        with (given if isinstance(given, Path) else Path(os.devnull)).open("rb") as source:
            told: dict[str, Any] = {"input": given.encode()} if isinstance(given, str) else {"stdin": source}
            try:
                done = subprocess.run(
                    [self.docker, *words],
                    env=self.environment, capture_output=True, timeout=seconds, check=False, **told,
                )  # fmt: skip
            except FileNotFoundError:
                raise MachineError(
                    "There is no docker command, and kind works through it.",
                    "Debian and Ubuntu: apt install docker.io.",
                ) from None
            except subprocess.TimeoutExpired:
                raise ClusterError(f"docker {words[0]} did not end within {seconds:.0f} s.", cure) from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip() or f"it ended with {done.returncode}"
            raise ClusterError(f"docker {' '.join(words[:2])} failed: {said.rstrip('.')}.", cure)
        return str(done.stdout.decode(errors="replace"))

    def inspect(self, kind: str, *names: str) -> list[dict[str, Any]]:
        """What the engine says of containers, images or networks; nothing for those that are not there."""
        found: list[dict[str, Any]] = []
        for name in names:
            try:
                found += json.loads(self.run(kind, "inspect", name))
            except ClusterError as error:
                if "no such" not in str(error).lower() and "not found" not in str(error).lower():
                    raise
        return found

    def info(self) -> dict[str, Any]:
        """https://docs.docker.com/reference/api/engine/ (SystemInfo)"""
        return dict(json.loads(self.run("info", "--format", "{{json .}}")))

    @property
    def root(self) -> Path:
        """Where this machine sees the engine's files and processes."""
        init = rig.init() if self.ours else None
        return Path(f"/proc/{init}/root") if init else Path("/")


def find() -> tuple[Engine | None, str]:
    """The engine that answers, or why none does: what DOCKER_HOST names, else the usual one, else one of our own."""
    found, trouble = docker_engine.find()
    if found:
        return Engine(host=found, ours=found == rig.docker_host()), ""
    if not os.environ.get("DOCKER_HOST") and rig.running():
        return Engine(host=rig.docker_host(), ours=True), ""
    return None, trouble


def must() -> Engine:
    """The engine; `MachineError` where none answers."""
    found, trouble = find()
    if found is None:
        raise MachineError(trouble, CURE)
    return found


def run(command: Sequence[str], engine: Engine, *, seconds: float, log: Path, cure: str = "") -> None:
    """Run a long command with its output in ``log``; `ClusterError` with its last lines where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                command,
                env=engine.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{Path(command[0]).name} did not end within {seconds:.0f} s.", cure) from None
    if done.returncode:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()][-4:]
        raise ClusterError(
            f"{Path(command[0]).name} {command[1]} failed: {' | '.join(lines)}", cure or f"Its whole output: {log}"
        )
