"""A Docker engine of our own for kind, on a machine that has none: Debian's, in namespaces without a way out.

The engine has a network namespace with nothing but its loopback, mounts and process ids of its own, and cgroups below
ours; when its process 1 is killed the kernel ends every container with it, and the mounts go. So it is removed as a
cluster is, from whatever state it is in, and nothing of it is seen outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from clusters import docker_engine, paths, system_packages
from clusters.embedded import cgroups, machine, name_lock, names, remains, removal
from clusters.embedded.compartment import Compartment, prepare_netns_folder
from clusters.embedded.journal import JOURNAL, Journal
from clusters.embedded.processes import Process, check_alive
from clusters.errors import ClusterError
from clusters.progress import Progress

SYS_RESOURCE = 24
"""capability.h"""
ENGINE_SECONDS = 60.0
POLL_SECONDS = 0.05


def folder() -> Path:
    """Everything of the engine: images, containers, logs."""
    return paths.state_folder() / names.RIG


def engine_socket() -> Path:
    return folder() / "docker.sock"


def docker_host() -> str:
    """What DOCKER_HOST must be for docker and kind to use it."""
    return f"unix://{engine_socket()}"


def running() -> bool:
    """Whether the engine answers."""
    return docker_engine.answers(engine_socket())


def init() -> int | None:
    """The engine's process 1, below which this machine sees its files and processes; nothing where it does not run."""
    return remains.init_of(names.RIG, str(names.netns_path(names.control_netns(names.RIG))))


def start(progress: Progress) -> None:
    """Have the engine run. `MachineError` for what this machine lacks, `ClusterError` where it does not start."""
    machine.check_user()
    with name_lock.held(names.RIG):
        if running():
            return
        remove()  # what a killed engine left; its images stay
        programs = system_packages.packages_of_programs
        system_packages.ensure(progress, programs("cluster") | programs("kind-rig"))
        place = Compartment(names.RIG, names.control_netns(names.RIG), Journal(folder() / JOURNAL))
        try:
            with progress.task("Docker engine of our own"):
                wait(place, bring_up(place))
                clear()
        except BaseException:
            with removal.undisturbed():
                remove()
            raise
        finally:
            place.close()


def bring_up(place: Compartment) -> Process:
    """Make the namespaces and start dockerd in them."""
    from clusters.embedded import network  # noqa: PLC0415 - its library takes a while

    folder().mkdir(parents=True, exist_ok=True)
    prepare_netns_folder()
    cgroups.make(names.RIG, [])
    place.make_network()
    place.run(network.raise_loopback)
    place.make_processes(names.RIG, {"/run/containerd": None} if Path("/run/containerd").is_dir() else {})
    settings = folder() / "daemon.json"
    settings.write_text(json.dumps(daemon_settings(has_capability(SYS_RESOURCE))), encoding="utf-8")
    command = [system_packages.find("dockerd"), "--config-file", str(settings), "--host", docker_host()]
    return place.start("dockerd", command, folder() / "dockerd.log")


def daemon_settings(whole_root: bool) -> dict[str, object]:
    """dockerd's settings (https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file)."""
    settings: dict[str, object] = {
        "data-root": str(folder() / "data"),
        "exec-root": str(folder() / "run"),
        "pidfile": str(folder() / "dockerd.pid"),
        "cgroup-parent": names.cgroup(names.RIG),
        "log-level": "warn",
    }
    if not whole_root:
        runtime = str(Path(__file__).with_name("runtime.py"))
        settings["runtimes"] = {"roadtest": {"path": sys.executable, "runtimeArgs": ["-I", runtime]}}
        settings["default-runtime"] = "roadtest"
    return settings


def has_capability(number: int, status: Path = Path("/proc/self/status")) -> bool:
    """Whether root has a capability here: containers and sandboxes may take it from the bounding set."""
    for line in status.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapBnd":
            return bool(int(value, 16) >> number & 1)
    return False


def wait(place: Compartment, engine: Process) -> None:
    deadline = time.monotonic() + ENGINE_SECONDS
    while not running():
        check_alive([engine])
        if time.monotonic() > deadline:
            raise ClusterError(
                f"The Docker engine in {place.netns} did not answer within {ENGINE_SECONDS:.0f} s.",
                f"See why: {folder() / 'dockerd.log'}",
            )
        time.sleep(POLL_SECONDS)


def clear() -> None:
    """Forget containers, volumes and networks of the last time: their processes ended with the engine."""
    docker = [system_packages.find("docker") or "docker", "--host", docker_host()]

    def run(*words: str) -> str:
        done = subprocess.run([*docker, *words], capture_output=True, text=True, check=False, timeout=ENGINE_SECONDS)
        if done.returncode:
            raise ClusterError(f"The Docker engine of our own cannot be used: {done.stderr.strip()}")
        return done.stdout

    if found := run("ps", "--all", "--quiet").split():
        run("rm", "--force", "--volumes", *found)
    run("volume", "prune", "--force")
    run("network", "prune", "--force")


def stop(*, everything: bool = False) -> None:
    """End the engine with all its containers and networks; ``everything``: its images, too."""
    machine.check_user()
    with name_lock.held(names.RIG), removal.undisturbed():
        remove()
        if everything:
            removal.remove_folder(folder())


def remove() -> None:
    """Remove processes, namespaces, mounts and cgroups; the engine's images stay in its folder."""
    removal.remove_from_kernel(names.RIG, folder())
    (folder() / JOURNAL).unlink(missing_ok=True)
    engine_socket().unlink(missing_ok=True)
    (folder() / "dockerd.pid").unlink(missing_ok=True)
