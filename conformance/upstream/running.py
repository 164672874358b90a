"""Runs the upstream program inside a cluster's own network, in a time of its own, and follows it.

It is run at an outside client's place: from there nodes and the API server are reached, and nothing else is, so no
packet of a test can leave this machine, wherever the test sends it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import yaml

from clusters.addons.api import ApiError, ClusterApi
from clusters.errors import ClusterError, MachineError
from clusters.families import at
from clusters.provider import Cluster
from reports.model import Verdict, Witness

from .progress import Ended
from .selection import patterns

GRACE_SECONDS = 60.0
"""What an interrupted program gets to remove what it made and to write its report."""
INTERRUPTED = 130
BY_THE_USER = "interrupted by the user"
EXIT = {Verdict.FAILED: 1, Verdict.ERROR: 2}
"""Verdict on a test of theirs → exit status."""
REPORT = "junit_01.xml"
"""test/e2e/framework/test_context.go: AfterReadingAllFlags."""


class Programs(msgspec.Struct, frozen=True):
    """What takes part."""

    e2e: Path
    ginkgo: Path
    kubectl: Path


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How the tests are run."""

    focus: str
    skip: str
    processes: int
    minutes: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How the program ended."""

    status: int
    ended: dict[str, Ended]
    """What was seen on the way."""
    trouble: str = ""
    """Why it did not come to its own end; empty where it did."""
    last_words: str = ""


def place(cluster: Cluster) -> list[str]:
    """Prefix that runs a command at an outside client. `MachineError` where this user cannot enter its network."""
    client = cluster.clients[0]
    if not client.netns:
        raise MachineError(
            f"The upstream tests run in the network of {client.name}, and this user cannot enter it.",
            "Run it as root, on the machine that the cluster's places are on.",
        )
    return ["nsenter", f"--net={client.netns}"]


def kubeconfig(cluster: Cluster, target: Path) -> Path:
    """The cluster's kubeconfig as it works from its own network: the API server's own address instead of ours."""
    document = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    for one in document["clusters"]:
        one["cluster"]["server"] = inner_address(cluster)
    target.touch(mode=0o600)
    target.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return target


def inner_address(cluster: Cluster) -> str:
    """Where the API server says that it is."""
    try:
        found = ClusterApi(cluster.kubeconfig).get(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        )
    except ApiError as error:
        raise ClusterError(f"The API server of {cluster.name} does not answer: {error}") from error
    return f"https://{at(found['endpoints'][0]['addresses'][0])}:{found['ports'][0]['port']}"


def command(cluster: Cluster, programs: Programs, asked: Asked, access: Path, folder: Path) -> list[str]:
    """What is run, with the kubeconfig ``access``; its reports land in ``folder``."""
    focus, *skip = (option.removeprefix("--ginkgo.") for option in patterns(asked.focus, asked.skip))
    return [
        *ends_with_us(),
        *place(cluster),
        *(str(programs.ginkgo), f"--procs={asked.processes}", "-v", "--no-color", f"--timeout={asked.minutes:g}m"),
        *(f"--{option}" for option in (focus, *skip)),
        *(str(programs.e2e), "--"),
        # What a test asks of the provider (load balancers, disks, ssh to nodes) is nobody's here.
        "--provider=skeleton",
        f"--kubeconfig={access}",
        f"--kubectl-path={programs.kubectl}",
        f"--num-nodes={len(cluster.nodes)}",
        f"--dns-domain={cluster.dns_domain}",
        f"--report-dir={folder}",
    ]


def status(heard: Iterable[Witness], trouble: str, ended: Run) -> int:
    """The exit status of a suite, whose trouble is told; see `docs/witness.md`."""
    if trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return INTERRUPTED if ended.trouble == BY_THE_USER else 2
    return max((EXIT.get(witness.verdict, 0) for witness in heard), default=0)


def ends_with_us() -> list[str]:
    """Prefix of a command that is ended with this process, even when that is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


class LineReader(Protocol):
    """Reads what a test program prints, line by line."""

    def read(self, line: str) -> Ended | None:
        """Take one line; the test that it ends, where it ends one."""
        ...


def follow(words: Sequence[str], log: Path, reader: LineReader, minutes: float, tell: Callable[[Ended], None]) -> Run:
    """Run it to its end and tell each test's end. Interrupted, it is given the time to clean up; then it is killed."""
    seen: dict[str, Ended] = {}
    last: list[str] = []
    late = threading.Event()
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True, cwd=log.parent,
        ) as process,
    ):  # fmt: skip

        def end() -> None:
            late.set()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        def read() -> None:
            for line in process.stdout or ():
                written.write(line)
                if line.strip():
                    last[:] = [*last, line.strip()][-3:]
                if ended := reader.read(line):
                    seen[ended.test] = ended
                    tell(ended)

        # ginkgo ends in time by itself, and writes its report then; this is for one that hangs.
        alarm = threading.Timer(minutes * 60 + GRACE_SECONDS, end)
        alarm.start()
        trouble = ""
        try:
            read()
        except KeyboardInterrupt:
            trouble = BY_THE_USER
            alarm.cancel()
            alarm = threading.Timer(GRACE_SECONDS, end)
            alarm.start()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            with suppress(KeyboardInterrupt):
                read()
        finally:
            alarm.cancel()
            if process.poll() is None and trouble:
                end()
        status = process.wait()
    if late.is_set() and not trouble:
        trouble = f"the tests did not end within {minutes:g} minutes"
    return Run(status=status, ended=seen, trouble=trouble, last_words=" ".join(last[-1:]))
