"""Starts a guest on this machine, passes on what its command says, and leaves nothing of it behind.

Everything of it lives in namespaces that end with its first process, and that process is killed with ours: no network
device, so that no packet can leave, also not from a guest whose kernel was killed; process ids of its own, because User
Mode Linux is many processes; mounts of its own, read only but for the folders that it may write to.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from clusters import paths, system_packages
from clusters.errors import MachineError
from clusters.progress import Progress

from . import kernel
from .inside import is_guest

PURPOSE = "guest"
"""Its section of ``clusters/system_packages.toml``."""
MEMORY = 8 * 2**30
"""What the guest is told that it has; of this machine's memory it takes what it uses."""
ROOM = 2**20
"""Beside its memory: its init, its socket."""
FREE_MEMORY = 4 * 2**30
MARK = "roadtest-guest: the command begins or has ended"
MAP_COUNT = Path("/proc/sys/vm/max_map_count")
MAPS = 1048576
"""Every page of a guest's process may be a mapping of its own; 65,530, the usual, are less than an API server."""
INIT = "/run/guest/init"
SCRIPT = """\
# Only these namespaces see it. A mount whose flags may not be changed is one of the kernel's own, such as /proc.
while read -r _ point _; do mount -o remount,bind,ro "$point" 2>/dev/null; done < /proc/mounts
mount --bind "$1" "$1" && mount -o remount,bind,rw "$1" || exit 1
mount -t tmpfs -o mode=700,size="$2" guest /run && mkdir -p /run/guest || exit 1
printf '%s\\n' "$3" > /run/guest/init && chmod 700 /run/guest/init || exit 1
shift 3
HOME=/run/guest TMPDIR=/run/guest "$@" < /dev/null
exit
"""
"""$1 a folder to write to, $2 bytes of memory, $3 the guest's init, then the guest."""


def hindrance() -> str:
    """Why no guest can be used here, in a sentence; empty where one can be tried."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"A User Mode Linux guest runs on Linux on x86-64, and this is {platform.system()} {platform.machine()}."
    if is_guest():
        return "This is a User Mode Linux guest already."
    if os.geteuid() != 0:
        return "A User Mode Linux guest, which would have it, needs root here."
    if free_memory() < FREE_MEMORY:
        return (
            f"A User Mode Linux guest, which would have it, needs {FREE_MEMORY / 1e9:.1f} GB of memory, and "
            f"{free_memory() / 1e9:.1f} GB are free."
        )
    if not kernel.find() and not system_packages.find("apt-get"):
        return (
            "A User Mode Linux guest would have it, but its kernel is not in the cache, nor is there apt-get to fetch "
            "Debian's sources of Linux with."
        )
    return ""


def free_memory() -> int:
    """Bytes that programs can still have, by /proc/meminfo; nothing where it cannot be told."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def run(command: Sequence[str], writable: Path, progress: Progress) -> int:
    """Run a command in a guest of its own, in our working folder, and return its exit status.

    Of this machine it can write to ``writable`` alone, where ``guest/`` keeps its kernel's words. What the command says
    goes to our standard output. `MachineError` where the guest ends before its command does.
    """
    system_packages.ensure(progress, system_packages.packages_of_programs(PURPOSE))
    program = kernel.obtain(progress)
    folder = writable.absolute() / "guest"
    folder.mkdir(parents=True, exist_ok=True)
    orders, status, log = (folder / name for name in ("orders.json", "status", "kernel.log"))
    status.unlink(missing_ok=True)
    orders.write_bytes(msgspec.json.encode(order(command, folder.parent, program)))
    try:
        with enough_maps(MAP_COUNT), log.open("wb") as words, closing(output(guest(program, folder))) as lines:
            pass_on(lines, words, progress)
        with suppress(OSError, ValueError):
            return int(status.read_text(encoding="ascii"))
        raise MachineError(
            "The User Mode Linux guest ended before its command did.", f"Its kernel's first words are in {log}."
        )
    finally:
        orders.unlink(missing_ok=True)
        status.unlink(missing_ok=True)


def order(command: Sequence[str], writable: Path, program: Path) -> dict[str, object]:
    """What the guest's first process is told to do."""
    here = Path.cwd()
    # What of this machine must be seen there, also where the guest has memory of its own in place of a folder above.
    seen = [here, writable, paths.cache_folder(), Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2]]
    return {
        "mark": MARK,
        "command": list(command),
        "environment": carried(os.environ),
        "folder": str(here),
        "built_in": [str(program.with_name(name)) for name in kernel.BUILT_IN],
        "folders": [str(path) for path in dict.fromkeys(seen)],
    }


def pass_on(lines: Iterator[bytes], words: BinaryIO, progress: Progress) -> None:
    """What comes between the marks is the command's; the rest is the kernel's, and goes to its file."""
    began = time.monotonic()
    for line in lines:
        words.write(line)
        if line.strip() == MARK.encode():
            progress.say(f"the guest has booted, in {time.monotonic() - began:.1f} s")
            break
    for line in lines:
        if line.strip() == MARK.encode():
            break
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    words.writelines(lines)


def carried(environment: Mapping[str, str]) -> dict[str, str]:
    """What of our environment goes with the command. Its state is the guest's own, and in memory."""
    kept = {
        name: value for name, value in environment.items() if name.startswith(("ROADTEST_", "PYTHON", "LANG", "LC_"))
    }
    return {
        **kept,
        "HOME": environment.get("HOME", "/root"),
        "ROADTEST_CACHE": str(paths.cache_folder()),
        "ROADTEST_STATE": "/run/roadtest-state",
    }


def guest(program: Path, folder: Path) -> list[str]:
    """The command that is a guest: its kernel, and our first process with its orders in ``folder``."""
    init = Path(__file__).with_name("init.py")
    first = f"#!/bin/sh\nexec {shlex.join([sys.executable, '-I', str(init), str(folder)])}"
    uml = [
        *(str(program), "seccomp=on", f"mem={MEMORY // 2**20}M", "uml_dir=/run/guest", "umid=guest"),
        *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", f"init={INIT}"),
        *("con=null", "con0=null,fd:1", "console=tty0", "quiet"),
    ]
    return [
        # Ends when we do, however we end.
        *(shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL"),
        # The kernel and a program take turns, thousands of times a second: on one CPU nobody is woken elsewhere.
        *("taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))),
        *("unshare", "--net", "--ipc", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"),
        *(
            "--propagation",
            "private",
            "/bin/sh",
            "-c",
            SCRIPT,
            "guest",
            str(folder.parent),
            str(MEMORY + ROOM),
            first,
            *uml,
        ),
    ]


def output(command: Sequence[str]) -> Generator[bytes, None, None]:
    """Lines that a program says, until it ends; it is killed where nobody wants them any more."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                yield line.rstrip(b"\r\n") + b"\n"
        finally:
            process.kill()
            process.stdout.read()  # until the last of its processes is gone


@contextmanager
def enough_maps(setting: Path) -> Iterator[None]:
    """Allow as many mappings as guests' processes need, and put the setting back after the last of them.

    What it was is kept in the state folder, where the last guest finds it, which need not be the one that raised it:
    others may have ended since, or been killed.
    """
    kept = paths.state_folder() / setting.name
    with setting.open("r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        before = setting.read_text(encoding="ascii")
        if int(before) < MAPS:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(before, encoding="ascii")
            try:
                setting.write_text(str(MAPS), encoding="ascii")
            except OSError as error:
                kept.unlink()
                raise MachineError(
                    f"A User Mode Linux guest needs vm.max_map_count={MAPS}, which cannot be set: {error.strerror}.",
                    f"Set it where it can be: sysctl -w vm.max_map_count={MAPS}",
                ) from error
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while another guest runs
                if int(setting.read_text(encoding="ascii")) == MAPS:  # nobody else has changed it since
                    setting.write_text(kept.read_text(encoding="ascii"), encoding="ascii")
                kept.unlink()
