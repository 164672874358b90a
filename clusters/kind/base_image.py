"""kind's base image without a registry: Debian by debootstrap, and the files that kind lays over it.

As kind's own images/base/Dockerfile does it (https://github.com/kubernetes-sigs/kind/tree/main/images/base), from the
same files, out of kind's Go module; runc is Debian's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from clusters import system_packages
from clusters.components.catalogue import architecture
from clusters.components.store import sha256_of
from clusters.errors import ComponentError, MachineError
from clusters.images import debian
from clusters.images.archive import FileBlob, build

SUITE = "bookworm"
"""Its systemd (252) runs with cgroup v1, too."""
PACKAGES = (
    *("bash", "ca-certificates", "conntrack", "curl", "dbus", "bind9-dnsutils", "ebtables", "ethtool", "gettext-base"),
    *("hostname", "ipset", "iproute2", "iptables", "jq", "kmod", "libseccomp2", "mount", "nfs-common", "nftables"),
    *("pigz", "procps", "runc", "socat", "systemd", "systemd-sysv", "util-linux"),
)
PLUGINS = ("host-local", "loopback", "portmap", "ptp")
BINARIES = ("containerd", "containerd-shim-runc-v2", "ctr")
DEBOOTSTRAP_SECONDS = 900.0
DOCUMENTATION = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")
EXECUTABLE = ("usr/local/bin", "kind/bin")
ANCHOR = "  local misc_controller='/sys/fs/cgroup/misc'\n"
MOUNTED_ONLY = """\
  # A controller that the machine has not mounted must stay so: mounting it in cgroup v1 would change the whole machine.
  awk '/^#/ || ($2 != 0 && $1 != "misc")' /proc/cgroups >/kind/fake-cgroups
  mount --bind /kind/fake-cgroups /proc/cgroups
  return 0
"""
SETUP = """\
set -e
find lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f lib/systemd/system/multi-user.target.wants/* etc/systemd/system/*.wants/* \\
  lib/systemd/system/local-fs.target.wants/* lib/systemd/system/sockets.target.wants/*udev* \\
  lib/systemd/system/sockets.target.wants/*initctl* lib/systemd/system/basic.target.wants/*
echo ReadKMsg=no >> etc/systemd/journald.conf
ln -sf /usr/lib/systemd/systemd sbin/init
chroot . systemctl enable kubelet.service containerd.service undo-mount-hacks.service
chroot . systemctl mask systemd-binfmt.service
mkdir -p etc/kubernetes/manifests
: > etc/machine-id
"""
SETTINGS: dict[str, object] = {
    "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
    "Env": ["container=docker", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "StopSignal": "SIGRTMIN+3",
    "WorkingDir": "/",
}


def make(target: Path, name: str, components: Mapping[str, Path], scratch: Path) -> None:
    """Write the image as an archive. ``components``: kind-base, containerd's programs, the pod network's plugins."""
    root = scratch / "root"
    log = scratch / "debootstrap.log"
    debootstrap(root, log)
    lay_over(root, components)
    packed = scratch / "root.tar"
    _run(["tar", "--sort=name", "--numeric-owner", "-C", str(root), "-cf", str(packed), "."], log)
    shutil.rmtree(root)
    layer = FileBlob(packed, sha256_of(packed))
    build(target, name, architecture(), [layer], SETTINGS)
    packed.unlink()


def debootstrap(root: Path, log: Path) -> None:
    """A small Debian, checked by its keyring. Its mounts are in a namespace of their own and go with it."""
    command = [
        *("unshare", "--mount", "--fork", "--kill-child"),
        *(system_packages.find("debootstrap"), "--variant=minbase", "--force-check-gpg"),
        *(f"--include={','.join(PACKAGES)}", SUITE, str(root), debian.mirror()),
    ]
    _run(command, log, {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})


def lay_over(root: Path, components: Mapping[str, Path]) -> None:
    """Put kind's files and the components over a Debian, and set its services up."""
    shutil.copytree(components["kind-base"], root, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for folder in EXECUTABLE:
        for path in (root / folder).iterdir():
            path.chmod(0o755)
    for name in BINARIES:
        install(components[name], root / "usr/local/bin" / name)
    for name in PLUGINS:
        install(components[name], root / "opt/cni/bin" / name)
    amend(root / "etc/containerd/config.toml", "restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    amend(root / "usr/local/bin/entrypoint", ANCHOR, ANCHOR + MOUNTED_ONLY)
    _run(["sh", "-c", SETUP], root.parent / "setup.log", folder=root)
    spec = subprocess.run([str(components["ctr"]), "oci", "spec"], capture_output=True, check=True).stdout
    (root / "etc/containerd/cri-base.json").write_text(json.dumps(container_defaults(json.loads(spec))))
    for folder in DOCUMENTATION:
        shutil.rmtree(root / folder, ignore_errors=True)


def container_defaults(spec: dict[str, object]) -> dict[str, object]:
    """What kind makes of containerd's description of a container: a hook of its own, and no limits."""
    process = spec["process"]
    assert isinstance(process, dict)
    hooks = {"createContainer": [{"path": "/kind/bin/mount-product-files.sh"}]}
    return {**spec, "hooks": hooks, "process": {key: value for key, value in process.items() if key != "rlimits"}}


def install(program: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(program, target)
    target.chmod(0o755)


def amend(path: Path, before: str, after: str) -> None:
    """Change a file of kind's; one that is not as expected belongs to another version."""
    text = path.read_text(encoding="utf-8")
    if before not in text:
        raise ComponentError(f"{path.name} of kind's base image has no line {before.strip()!r}.", "Pin another kind.")
    path.write_text(text.replace(before, after), encoding="utf-8")


def _run(command: list[str], log: Path, more: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **(more or {})},
                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                timeout=DEBOOTSTRAP_SECONDS, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise MachineError(f"There is no {error.filename} on this machine.") from None
        except subprocess.TimeoutExpired:
            raise ComponentError(f"{command[0]} did not end within {DEBOOTSTRAP_SECONDS:.0f} s.") from None
    if done.returncode:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-3:]
        raise ComponentError(
            f"The root of a node image could not be made: {' | '.join(lines)}",
            "It needs Debian's mirror, and its keys (apt install debian-archive-keyring).",
        )
