"""What a machine and an engine must have before a kind cluster is made, each told in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

from clusters import system_packages
from clusters.embedded import addresses, machine
from clusters.errors import ClusterError, MachineError
from clusters.provider import ClusterSpec, Mode

from . import node_image
from .engine import Engine
from .node_image import NodeImage

FREE_BYTES = 3_000_000_000
"""What the nodes of a small cluster write."""
ROOM = "Make room: docker system df tells what the engine's images and volumes take."
OLDEST_API = (1, 41)
"""Docker 20.10: kind asks for private cgroup namespaces, which it was the first to give."""
MODULES = "/lib/modules"


def check(spec: ClusterSpec, used: Engine, folder: Path) -> None:
    """Raise for the first thing that is missing, or for a request that cannot be."""
    addresses.plan(spec)
    for program in ("docker", "setpriv"):
        if not system_packages.find(program):
            raise MachineError(f"There is no program {program} on this machine.", "apt install docker.io util-linux")
    told = used.info()
    version = str(used.run("version", "--format", "{{.Server.APIVersion}}")).strip()
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_API:
        raise MachineError(
            f"The Docker engine {told.get('ServerVersion')} is too old for kind.", "Use Docker 20.10 or newer."
        )
    check_rootless(told)
    if here(used):
        machine.check_inotify(spec.nodes)
        data = used.root / str(told.get("DockerRootDir", "/")).lstrip("/")
        for place in (data, folder):
            machine.check_disk(place, FREE_BYTES, "a kind cluster", ROOM)


def check_rootless(told: dict[str, object]) -> None:
    """A rootless engine needs cgroup v2 (https://kind.sigs.k8s.io/docs/user/rootless/)."""
    if rootless_on_v1(told):
        raise MachineError(
            "The Docker engine is rootless and this machine has cgroup v1, with which kind cannot run.",
            "Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or use an engine of root's.",
        )


def rootless_on_v1(told: dict[str, object]) -> bool:
    """Whether an engine says of itself that it is rootless and has cgroup v1."""
    options = told.get("SecurityOptions")
    rootless = isinstance(options, list) and any("rootless" in str(option) for option in options)
    return rootless and str(told.get("CgroupVersion")) == "1"


def here(used: Engine) -> bool:
    """Whether the engine runs on this machine's own kernel, and not in a virtual machine or elsewhere."""
    return used.host.startswith("unix://") and used.info().get("KernelVersion") == os.uname().release


def check_mode(mode: Mode, used: Engine) -> None:
    """Raise where the kernel lacks what kube-proxy's mode is made of: kind itself would call the nodes ready."""
    if mode != "ipvs":
        return
    if here(used) and os.geteuid() == 0:
        machine.check_mode(mode)
    elif image := node_image.at_hand(used):
        check_module(used, image)


def check_module(used: Engine, image: NodeImage) -> None:
    """Ask a kernel that is not this machine's, or may not be asked by us, from inside a container."""
    script = "test -e /proc/net/ip_vs || modprobe -a ip_vs ip_vs_rr; test -e /proc/net/ip_vs"
    try:
        used.run(
            *("run", "--rm", "--privileged", "--network", "none", "--entrypoint", "sh"),
            *("--volume", f"{MODULES}:{MODULES}:ro", image.name, "-c", script),
        )
    except ClusterError as error:
        said = error.cause.partition("failed:")[2].strip()
        raise MachineError(
            f"The engine's kernel {used.info().get('KernelVersion')} lacks {machine.IPVS.feature}: {said}",
            machine.IPVS.cure,
        ) from error
