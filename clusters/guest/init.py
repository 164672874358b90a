"""The guest's process 1: makes a machine of the bare kernel, runs one command, tells its status, powers off.

Run as a file by the kernel, ``python -I init.py FOLDER``, with FOLDER/orders.json of `clusters.guest.host`. Standard
library only, and nothing of Roadtest: it starts before anything else is there.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

POWER_OFF = 0x4321FEDC
"""reboot(2), LINUX_REBOOT_CMD_POWER_OFF."""
IN_MEMORY = ("/dev/shm", "/run", "/tmp", "/var/lib", "/var/log")  # noqa: S108 - the guest's own, that hide the machine's
"""What programs write to; the rest of the file system is this machine's, read only."""
CPU = Path("/sys/devices/system/cpu/cpu0")
MODULES = Path("/run/modules")
"""modprobe looks for lib/modules/RELEASE below it: /lib/modules is this machine's own."""
LAST_WORDS_SECONDS = 5.0


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def mount(kind: str, target: str, options: str = "") -> None:
    run("mount", "-t", kind, *(["-o", options] if options else []), kind, target)


def make_machine(folders: list[str]) -> None:
    """Mounts and a CPU that the kubelet knows; ``folders`` are this machine's and must be seen."""
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("cgroup2", "/sys/fs/cgroup")
    Path("/dev/pts").mkdir(exist_ok=True)
    Path("/dev/shm").mkdir(exist_ok=True)  # noqa: S108 - the guest's own
    mount("devpts", "/dev/pts", "ptmxmode=666")
    for point in IN_MEMORY:
        mount("tmpfs", point, "mode=1777" if point in {"/dev/shm", "/tmp"} else "mode=755")  # noqa: S108
    for folder in folders:
        # Below one of those that are now in memory it would be hidden.
        if not Path(folder).exists():
            Path(folder).mkdir(parents=True)
            mount("hostfs", folder, folder)
    # The console is the command's: of the kernel's words only the last ones go there.
    Path("/proc/sys/kernel/printk").write_text("1\n", encoding="ascii")
    tell_cpu_speed()
    run("hostname", "guest")
    run("ip", "link", "set", "lo", "up")


def tell_modprobe(built_in: list[str]) -> None:
    """Have modprobe know what the kernel has: nothing can be loaded, and kube-proxy takes its word for what is there.

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/ipvs/cleanup.go (CleanupLeftovers)
    """
    folder = MODULES / "lib" / "modules" / os.uname().release
    folder.mkdir(parents=True)
    for path in built_in:
        shutil.copy(path, folder)
    (folder / "modules.order").touch()
    run("depmod", "-b", str(MODULES))
    os.environ["MODPROBE_OPTIONS"] = f"-d {MODULES}"


def tell_cpu_speed() -> None:
    """Say how fast the CPU is where the kubelet looks for it: without that it ends, and this kernel does not say.

    https://github.com/google/cadvisor/blob/v0.56.2/machine/machine.go (GetClockSpeed)
    """
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines())
    millions = next(float(value) for name, _, value in lines if name.strip() == "bogomips") / 2
    copy = Path("/run/cpu0")
    shutil.copytree(CPU / "topology", copy / "topology", ignore_dangling_symlinks=True)
    (copy / "cpufreq").mkdir()
    (copy / "cpufreq" / "cpuinfo_max_freq").write_text(f"{millions * 1000:.0f}\n", encoding="ascii")
    run("mount", "--bind", str(copy), str(CPU))


def obey(orders: dict[str, Any]) -> int:
    """Run the command, its output passed on to the console, and return its exit status.

    Whoever loses its parent becomes a child of this process, which asks for everybody's end.
    """
    print(orders["mark"], flush=True)
    command = subprocess.Popen(
        orders["command"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **orders["environment"]},
        cwd=orders["folder"],
    )
    copying = threading.Thread(target=pass_on, args=[command.stdout], daemon=True)
    copying.start()
    while True:
        pid, status = os.wait()
        if pid == command.pid:
            copying.join(LAST_WORDS_SECONDS)
            print(orders["mark"], flush=True)
            return os.waitstatus_to_exitcode(status)


def pass_on(stream: IO[bytes]) -> None:
    for line in stream:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def main(folder: Path) -> None:
    status = 2
    try:
        os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        orders = json.loads((folder / "orders.json").read_text(encoding="utf-8"))
        make_machine(orders["folders"])
        tell_modprobe(orders["built_in"])
        status = obey(orders)
    except BaseException:
        traceback.print_exc()
    finally:
        (folder / "status").write_text(f"{status}\n", encoding="ascii")
        os.sync()
        ctypes.CDLL(None).reboot(POWER_OFF)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
