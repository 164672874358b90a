"""Whether this machine can run a cluster: what a node needs is done once, in namespaces that are thrown away."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from clusters import paths, system_packages
from clusters.errors import ClusterError, MachineError
from clusters.families import NFT_FAMILY, Family
from clusters.provider import ClusterSpec, Mode

from . import cgroups, mount_points
from . import kernel_calls as kernel
from .node_files import Host

FREE_BYTES = 2 * 2**30
"""What a cluster and its logs may need below the state folder."""
STORE_BYTES = 3 * 2**29
"""What the images of one node need where they cannot be links into the cache: it is on another file system."""
INOTIFY_PER_NODE = 12
INOTIFY_BESIDES = 24
"""inotify instances that kubelet, containerd and kube-proxy of a node, and everything else, were seen to hold."""
TRIAL_SECONDS = 10.0

KUBE_PROXY_RULES = """\
*nat
:ROADTEST - [0:0]
-A ROADTEST -m comment --comment trial -m statistic --mode random --probability 0.5 -j RETURN
-A ROADTEST -m conntrack --ctstate NEW -m addrtype --dst-type LOCAL -j MARK --set-xmark 0x4000/0x4000
-A ROADTEST -p tcp -m tcp -j DNAT --to-destination 127.0.0.1:80
-A ROADTEST -j MASQUERADE --random-fully
COMMIT
"""
NODE_RULES = """\
table ip roadtest {
  chain postrouting {
    type nat hook postrouting priority 110;
    counter masquerade
  }
}
"""


ROOM = "Make room, or set ROADTEST_STATE to another folder, best on the disk of the cache: files are shared then."


class Trial(msgspec.Struct, frozen=True):
    """One thing to try inside throw-away namespaces."""

    feature: str
    cure: str
    attempt: Callable[[], None]


def unavailable() -> str:
    """Why no embedded cluster can run here at all, with what to do; empty where one can be tried."""
    if platform.system() != "Linux":
        return f"An embedded cluster needs Linux, and this is {platform.system()}."
    if os.geteuid() != 0:
        return "An embedded cluster needs root, for network namespaces and mounts: run it with sudo."
    return ""


def check_user() -> None:
    """Raise where no embedded cluster can run here at all."""
    if reason := unavailable():
        cause, _, cure = reason.partition(": ")
        raise MachineError(f"{cause.rstrip('.')}.", f"{cure[:1].upper()}{cure[1:]}")


def check(spec: ClusterSpec, folder: Path) -> Host:
    """What this machine allows its nodes; `MachineError` naming the first thing that it lacks."""
    check_user()
    if absent := system_packages.missing(system_packages.packages_of_programs()):
        command = system_packages.command(sorted(set(absent.values())), root=True)
        raise MachineError(f"Missing on this machine: {', '.join(sorted(absent))}.", f"Run: {command}")
    shared = on_one_file_system(folder, paths.cache_folder()) or mount_points.in_memory(there_already(folder))
    copies = 0 if shared else spec.nodes
    check_disk(folder, FREE_BYTES + copies * STORE_BYTES)
    check_inotify(spec.nodes)
    check_cgroups()
    nft = spec.mode == "nftables" or works(NFT)
    run_trials(trials(spec, folder, nft=nft))
    return Host(lowers_oom_score=lowers_oom_score(), runc=Path(system_packages.find("runc")), nft=nft)


def there_already(folder: Path) -> Path:
    """A folder, or its first parent that is there."""
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def on_one_file_system(one: Path, other: Path) -> bool:
    """Whether hard links can lead from one folder to the other."""
    return there_already(one).stat().st_dev == there_already(other).stat().st_dev


def check_disk(folder: Path, needed: int, what: str = "a cluster", cure: str = ROOM) -> None:
    """Raise where the disk below a folder is too full for ``what``."""
    there = there_already(folder)
    free = shutil.disk_usage(there).free
    if free < needed:
        raise MachineError(
            f"Only {free / 1e9:.1f} GB are free at {there}, and {what} may need {needed / 1e9:.1f} GB.", cure
        )


def check_inotify(nodes: int) -> None:
    """Raise where so many inotify instances cannot be had as the cluster's processes will hold."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptors: list[int] = []
    needed = nodes * INOTIFY_PER_NODE + INOTIFY_BESIDES
    try:
        for _ in range(needed):
            descriptor = libc.inotify_init1(os.O_CLOEXEC)
            if descriptor < 0:
                raise MachineError(
                    f"This machine has {len(descriptors)} inotify instances left, and a cluster of {nodes} nodes needs "
                    f"{needed}.",
                    "Allow more: sysctl -w fs.inotify.max_user_instances=1024; or remove another cluster.",
                )
            descriptors.append(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def check_cgroups(root: Path = cgroups.ROOT, proc: Path = Path("/proc/cgroups")) -> None:
    """Raise where a controller that pods need is off or not mounted."""
    if cgroups.unified(root):
        there = (root / "cgroup.controllers").read_text(encoding="ascii").split()
    else:
        rows = [line.split() for line in proc.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
        there = [name for name, _, _, enabled in rows if enabled == "1" and (root / name).is_dir()]
    if absent := [name for name in cgroups.NEEDED if name not in there]:
        raise MachineError(
            f"The cgroup controller {absent[0]} is not available at {root}.",
            "Mount it or enable it in the kernel (cgroup_enable=… on its command line).",
        )


def lowers_oom_score() -> bool:
    """Whether a process may make itself less likely to be killed; it needs CAP_SYS_RESOURCE, which containers lack."""
    score = "read score < /proc/self/oom_score_adj && echo $((score - 1)) > /proc/self/oom_score_adj"
    done = subprocess.run(["/bin/sh", "-c", score], capture_output=True, check=False, timeout=TRIAL_SECONDS)
    return done.returncode == 0


def trials(spec: ClusterSpec, folder: Path, *, nft: bool = True) -> list[Trial]:
    """What to try for a cluster, in order; without ``nft`` nodes translate addresses by iptables."""
    every = [
        Trial("a kernel setting of its own in a namespace (/proc/sys)", MODULE, forward),
        Trial("a Linux bridge", f"{MODULE} (bridge)", lambda: add_link("bridge")),
        Trial("a pair of virtual Ethernet devices", f"{MODULE} (veth)", lambda: add_link("veth")),
        *([NFT] if nft else []),
        Trial(
            "an overlay mount",
            f"Set ROADTEST_STATE to a folder on ext4, xfs or tmpfs: {folder} may itself be on an overlay.",
            lambda: overlay(folder),
        ),
    ]
    if "IPv6" in spec.families:
        every += [IPV6, NFT6] if nft else [IPV6]
    if spec.mode in {"iptables", "ipvs"} or not nft:
        every.append(IPTABLES)
    if spec.mode == "ipvs":
        every.append(IPVS)
    # The last one: after it, its thread can start nothing more.
    return [*every, Trial("process ids and a /proc of its own", MODULE, own_processes)]


def check_mode(mode: Mode) -> None:
    """Raise where the kernel lacks what kube-proxy's mode is made of."""
    if mode == "ipvs":
        run_trials([IPVS])
    elif mode == "nftables" and system_packages.find("nft"):  # else it is installed first
        run_trials([NFT])


def works(trial: Trial) -> bool:
    """Whether one trial does, in namespaces of its own."""
    try:
        run_trials([trial])
    except MachineError:
        return False
    return True


def run_trials(every: list[Trial]) -> None:
    """Run them in a thread with namespaces of its own, which the kernel throws away when the thread ends."""
    failures: list[MachineError] = []

    def run() -> None:
        try:
            kernel.unshare(kernel.CLONE_FS | kernel.CLONE_NEWNS | kernel.CLONE_NEWNET)
            kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
        except OSError as error:
            failures.append(
                MachineError(
                    f"This machine allows no network or mount namespaces: {error.strerror}.",
                    "In a container, run it privileged (docker run --privileged); a sandbox may not allow it at all.",
                )
            )
            return
        for trial in every:
            try:
                trial.attempt()
            except (OSError, subprocess.SubprocessError) as error:
                failures.append(MachineError(f"This machine lacks {trial.feature}: {said(error)}.", trial.cure))
                return

    thread = threading.Thread(target=run, name="trial")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@contextmanager
def faults_told() -> Iterator[None]:
    """Tell what the machine refused (a full disk, a namespace that went away) as a `ClusterError`."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(f"The cluster could not be brought up: {said(error)}.") from error


def said(error: BaseException) -> str:
    """What went wrong, in the words of whoever noticed."""
    if isinstance(error, subprocess.CalledProcessError):
        output = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else str(error.stderr or "")
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        return "; ".join(lines[:2]) or f"{error.cmd[0]} ended with {error.returncode}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return str(error)


def forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def add_link(kind: str) -> None:
    from .network import netlink  # noqa: PLC0415 - its library takes a while

    with netlink() as ip:
        ip.link("add", ifname=f"rt{kind}", kind=kind)


def ipv6() -> None:
    """An address, and packets that are passed on."""
    from .network import netlink  # noqa: PLC0415 - its library takes a while

    with netlink() as ip:
        ip.link("add", ifname="rtipv6", kind="bridge")
        ip.addr("add", index=ip.link_lookup(ifname="rtipv6")[0], address="fd00::1", prefixlen=64)
    Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1", encoding="ascii")


def nft_rules(family: Family = "IPv4") -> None:
    run_with_input(["nft", "-f", "-"], NODE_RULES.replace("table ip ", f"table {NFT_FAMILY[family]} "))


def iptables_rules() -> None:
    run_with_input(["iptables-restore", "--noflush"], KUBE_PROXY_RULES)


def run_with_input(command: list[str], text: str) -> None:
    program = system_packages.find(command[0]) or command[0]
    subprocess.run([program, *command[1:]], input=text.encode(), check=True, capture_output=True, timeout=TRIAL_SECONDS)


def overlay(folder: Path) -> None:
    """Mount an overlay whose writable layer is where the nodes' will be."""
    trial = folder / "trial"
    parts = {name: trial / name for name in ("lower", "upper", "work", "merged")}
    try:
        for part in parts.values():
            part.mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
        kernel.mount("overlay", parts["merged"], "overlay", options=layers)
        kernel.unmount(parts["merged"])
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def own_processes() -> None:
    kernel.unshare(kernel.CLONE_NEWPID)
    command = ["/bin/sh", "-c", "mount -t proc proc /proc && test -d /proc/1"]
    subprocess.run(command, check=True, capture_output=True, timeout=TRIAL_SECONDS)


def ip_vs() -> None:
    if not Path("/proc/net/ip_vs").exists() and (modprobe := system_packages.find("modprobe")):
        subprocess.run([modprobe, "-a", "ip_vs", "ip_vs_rr"], capture_output=True, check=False, timeout=TRIAL_SECONDS)
    if not Path("/proc/net/ip_vs").exists():
        raise OSError(0, "the kernel has no /proc/net/ip_vs, with or without modprobe ip_vs")
    add_link("dummy")


MODULE = "Load or build the kernel module, or use another machine; in a container, run it privileged."
NFT = Trial("an nftables NAT table", f"{MODULE} (nf_tables, nft_chain_nat, nft_masq)", nft_rules)
NFT6 = Trial("an nftables NAT table for IPv6", NFT.cure, partial(nft_rules, "IPv6"))
IPTABLES = Trial(
    "the iptables matches and targets of kube-proxy",
    f"{MODULE} (xt_*) A kernel without nftables' NAT takes iptables-legacy: update-alternatives --config iptables.",
    iptables_rules,
)
IPV6 = Trial("IPv6", "Boot without ipv6.disable=1, or make a cluster without it: --families ipv4.", ipv6)
IPVS = Trial(
    "IP_VS, which kube-proxy's mode ipvs is made of",
    "Load the module ip_vs where the kernel has it (modprobe ip_vs), or choose mode iptables or nftables.",
    ip_vs,
)
