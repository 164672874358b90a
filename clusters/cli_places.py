"""``shell``, ``kubectl`` and ``logs``: into a cluster."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, NoReturn

from . import lifecycle, records
from .errors import ClusterError, UsageError
from .provider import Cluster

LINES = 50
SHELL = ["/bin/bash", "--norc"]


def add_places(verbs: Any) -> None:
    """Add the verbs to a parser's."""
    shell = verbs.add_parser(
        "shell",
        help="a shell at a place of a cluster, or one command there",
        description="A shell with KUBECONFIG set: on this machine, a node, a client, a server or the control plane.",
        epilog=f"One command: {records.COMMAND} shell NAME --at client-1 -- curl http://172.30.0.200/",
    )
    shell.add_argument("name", metavar="NAME")
    shell.add_argument(
        "--at", default="", metavar="PLACE", help="n1, client-1, server-1, control-plane … (default: here)"
    )
    shell.set_defaults(run=run_shell)

    kubectl = verbs.add_parser("kubectl", help="kubectl as the cluster's administrator")
    kubectl.add_argument("name", metavar="NAME")
    kubectl.add_argument("arguments", nargs=argparse.REMAINDER, metavar="-- ARGUMENTS")
    kubectl.set_defaults(run=run_kubectl)

    logs = verbs.add_parser(
        "logs",
        help="what a component wrote, also of a cluster that did not come up",
        description="What a component wrote. Without COMPONENT: which logs there are.",
    )
    logs.add_argument("name", metavar="NAME")
    logs.add_argument("component", nargs="?", default="", metavar="COMPONENT", help="kube-apiserver, kubelet …")
    logs.add_argument("--node", default="", metavar="NODE", help="of this node only")
    logs.add_argument("--lines", type=int, default=LINES, metavar="N", help="the last N (default %(default)s; 0: all)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on as it writes")
    logs.set_defaults(run=run_logs)


def run_shell(asked: argparse.Namespace) -> int:
    cluster = lifecycle.load(asked.name)
    prefix, environment = entrance(cluster, asked.at)
    replace([*prefix, *(asked.command or SHELL)], environment)


def entrance(cluster: Cluster, place: str) -> tuple[list[str], dict[str, str]]:
    """What runs a command at a place, and the environment that it is given."""
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{kubectl_folder()}:{os.environ['PATH']}",
    }
    if not place:
        return [], {**environment, "PS1": f"{cluster.name} \\w\\$ "}
    prefix = lifecycle.provider_for(cluster).entrance(cluster, place)
    inside = cluster.kubeconfig.with_name("admin-inside.kubeconfig")
    if inside.exists():
        # From inside, the API server is at its own address; this machine's loopback is another.
        environment["KUBECONFIG"] = str(inside)
    return prefix, {**environment, "PS1": f"{cluster.name}/{place} \\w\\$ "}


def run_kubectl(asked: argparse.Namespace) -> int:
    cluster = lifecycle.load(asked.name)
    kubectl = str(kubectl_folder() / "kubectl")
    replace([kubectl, f"--kubeconfig={cluster.kubeconfig}", *asked.arguments, *asked.command], dict(os.environ))


def kubectl_folder() -> Path:
    from .components import resolve  # noqa: PLC0415 - only here

    return resolve(["kubectl"])["kubectl"].parent


def run_logs(asked: argparse.Namespace) -> int:
    folder = logs_folder(asked.name)
    found = matching(folder, asked.component, asked.node)
    if asked.component:
        lines = ["-n", str(asked.lines) if asked.lines else "+1"]
        replace(["tail", *lines, *(["-F"] if asked.follow else []), *map(str, found)], dict(os.environ))
    for path in found:
        print(f"{path.stat().st_size / 1024:9.1f} KiB  {path.relative_to(folder)}")
    return 0


def logs_folder(name: str) -> Path:
    """Where a cluster's logs are, or those of the last one of its name that did not come up."""
    for folder in (records.folder(name) / "logs", records.failed_folder(name)):
        if folder.is_dir():
            return folder
    others = ", ".join(lifecycle.names()) or "none"
    raise ClusterError(f"There are no logs of a cluster called {name}.", f"Clusters here: {others}.")


def matching(folder: Path, component: str, node: str) -> list[Path]:
    """The logs of a component, of one node or all; `UsageError` lists what there is where none matches."""
    every = sorted(folder.rglob("*.log"))
    found = [
        path for path in every if (not component or path.stem == component) and (not node or path.parent.name == node)
    ]
    if not found:
        there = ", ".join(sorted({path.stem for path in every}))
        nodes = ", ".join(sorted({path.parent.name for path in every if path.parent != folder}))
        where = f" on {node}" if node else ""
        raise UsageError(
            f"Nothing called {component or 'anything'} wrote a log{where}.", f"Components: {there}. Nodes: {nodes}."
        )
    return found


def replace(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Become another program: its terminal, its signals and its exit status are the user's."""
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own command
    except OSError as error:
        raise UsageError(f"{command[0]} cannot be run: {error.strerror}.") from None
