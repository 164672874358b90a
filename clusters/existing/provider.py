"""The provider of clusters that are there already: takes one on record, and takes off it what we put there."""

from __future__ import annotations

import secrets
import shlex
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from clusters import kube_proxy_pods, records
from clusters.addons.api import ApiError, ClusterApi
from clusters.controllers.found import as_found
from clusters.embedded import names
from clusters.errors import ClusterError, UsageError
from clusters.families import Family
from clusters.needs import Need
from clusters.progress import Progress
from clusters.provider import Classes, Cluster, ClusterSpec, ExistingSpec, Mode, Place, Ranges
from clusters.rights import Rights

from . import here, removal
from .capabilities import Capabilities
from .choosing import choose
from .connection import connect, user
from .detection import detect, needed
from .kubeconfig import Context, read
from .limits import limits

NAME = "existing"
KUBECONFIG = "kubeconfig"
THIS_MACHINE = "this-machine"


class ExistingProvider:
    """Any cluster that a kubeconfig leads to."""

    name = NAME
    packages: tuple[str, ...] = ()

    def unavailable(self) -> str:
        return ""

    def check_mode(self, mode: Mode) -> None:
        """It is there, so its kernel has what it runs."""

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        """Look at the cluster and take it on record. Nothing is made or changed in it."""
        names.check_cluster_name(spec.name)
        folder = records.folder(spec.name)
        if folder.exists():
            raise records.taken(spec.name)
        context = read(spec.existing.kubeconfig, spec.existing.context)
        folder.mkdir(parents=True)
        records.mark(spec.name, NAME)
        try:
            path = folder / KUBECONFIG
            context.write(path)
            with progress.task(f"looking at {context.name}"):
                cluster = look(spec, context, path)
            records.save(cluster)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cluster

    def check(self, spec: ClusterSpec) -> None:
        """Raise what `create` would, and leave nothing behind."""
        context = read(spec.existing.kubeconfig, spec.existing.context)
        with tempfile.TemporaryDirectory(prefix="roadtest-look-") as folder:
            context.write(path := Path(folder) / KUBECONFIG)
            look(spec, context, path)

    def delete(self, name: str) -> None:
        """Remove our namespaces, or our objects in somebody's, and the record; nothing else."""
        names.check_cluster_name(name)
        try:
            cluster = records.load(name)
        except ClusterError:
            shutil.rmtree(records.folder(name), ignore_errors=True)
            return
        api = ClusterApi(cluster.kubeconfig)
        try:
            removal.remove(api, cluster)
            kube_proxy_pods.restore(api, cluster.state)
        except ApiError as error:
            (label,) = cluster.labels.items()
            raise ClusterError(
                f"What we made on {name} could not be removed: {error.cause}",
                f"Namespaces of ours have the label {'='.join(label)}; then remove the record: rm -r {cluster.state}",
            ) from None
        shutil.rmtree(cluster.state, ignore_errors=True)

    def names(self) -> list[str]:
        return [name for name in records.on_record() if records.provider(name) == NAME]

    def processes(self, cluster: Cluster) -> dict[str, bool]:
        return {}

    def entrance(self, cluster: Cluster, place: str) -> list[str]:
        if place == THIS_MACHINE:
            return []
        raise UsageError(
            f"The cluster {cluster.name} is not ours, and {place!r} cannot be entered.",
            f"Places: {THIS_MACHINE}. Pods: {records.COMMAND} kubectl {cluster.name} -- exec …",
        )

    def pod_netns(self, cluster: Cluster, namespace: str, pod: str) -> str:
        return ""

    def restart_kube_proxy(self, cluster: Cluster, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
        kube_proxy_pods.restart(ClusterApi(cluster.kubeconfig), cluster.state, nodes, changes)

    def load_images(self, cluster: Cluster, archives: Mapping[str, Path], progress: Progress) -> None:
        raise UsageError(f"No image is put on the nodes of {cluster.name}: the cluster is not ours.")

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        return ""


def look(spec: ClusterSpec, context: Context, kubeconfig: Path) -> Cluster:
    """The cluster as it stands. `UsageError` or `ClusterError` where no check could run, or it is not as asked for."""
    asked = spec.existing
    api = connect(context, kubeconfig)
    seen = detect(api, asked, server=context.server, context=context.name, user=user(api, context))
    check_mode(seen, asked)
    check_rights(api, asked)
    check_namespaces(api, asked)
    classes = choose(seen, asked, (spec.controllers or [""])[0])
    unreached, own = outside(seen, asked, context)
    lacks = limits(seen, asked, classes, unreached=unreached, here=own)
    first = seen.families[0]
    nodes = [
        Place(
            name=node.name,
            role="node",
            address=node.addresses.get(first, ""),
            addresses=node.addresses,
            pod_subnet=node.pod_subnets.get(first, ""),
            pod_subnets=node.pod_subnets,
            zone=node.zone,
        )
        for node in seen.nodes
    ]
    this = Place(name=THIS_MACHINE, role="client", address=own.get(first, ""), addresses=own, here=True)
    clients = [] if asked.client_pod else [this]
    client = "a pod of ours (--client-pod): its address is inside the cluster" if asked.client_pod else "this machine"
    client += f" ({', '.join(own.values())})" if own else ""
    return Cluster(
        name=spec.name,
        provider=NAME,
        provider_reason="",
        mode=seen.mode,
        kubeconfig=kubeconfig,
        state=kubeconfig.parent,
        nodes=nodes,
        clients=clients,
        servers=[],
        pod_subnet="",
        service_subnet=seen.service_subnets.get(first, ""),
        load_balancer_pool=seen.pools.get(first, ""),
        families=seen.families,
        ranges={
            family: Ranges(
                service_subnet=seen.service_subnets.get(family, ""), load_balancer_pool=seen.pools.get(family, "")
            )
            for family in seen.families
        },
        dns_address=seen.dns_address,
        dns_domain=seen.dns_domain,
        controllers=[controller_name(classes)] if classes else [],
        versions=seen.versions(),
        conditions=seen.conditions() | {"client": client} | promise(asked),
        classes=classes,
        lacks={str(need): why for need, why in lacks.items()},
        labels={removal.LABEL: f"{spec.name}-{secrets.token_hex(3)}"},
        namespaces=asked.namespaces,
        client_pod=asked.client_pod,
        node_pods=Need.NODE_ACCESS not in lacks,
        administrator=False,
        owned=asked.owned,
        pod_security=asked.pod_security,
        pods_run_as=seen.pods_run_as,
        again=again(asked, context),
    )


def controller_name(classes: Classes) -> str:
    """What the controller is called among ours, or by its class."""
    return as_found(classes).name


def check_mode(seen: Capabilities, asked: ExistingSpec) -> None:
    """`UsageError` where the user says another mode than the cluster shows."""
    if asked.mode and seen.mode != asked.mode:
        raise UsageError(
            f"The cluster runs kube-proxy in mode {seen.mode} ({seen.mode_seen.how}), and you ask for {asked.mode}.",
            "Leave the mode out: it is detected.",
        )


def check_rights(api: ClusterApi, asked: ExistingSpec) -> None:
    """`ClusterError` with a sentence for each right that every check takes and the user has not got."""
    if missing := Rights(api).missing(needed(asked.namespaces)):
        cure = "" if asked.namespaces else "Or use namespaces that are there, with --namespace NAME."
        raise ClusterError("\n".join(missing), cure)


def check_namespaces(api: ClusterApi, asked: ExistingSpec) -> None:
    """`UsageError` where a namespace that the user names is not there, or is somebody's home already."""
    for namespace in asked.namespaces:
        if told := removal.unusable(api, namespace):
            raise UsageError(f"Namespace {namespace} cannot be used: {told}.", "Name namespaces that are there.")
        try:
            inhabitants = removal.inhabitants(api, namespace)
        except ApiError as error:
            raise ClusterError(f"Namespace {namespace} cannot be looked at: {error.cause}") from None
        if inhabitants:
            raise UsageError(
                f"Namespace {namespace} is not empty: it has {', '.join(inhabitants[:3])}.",
                "Name namespaces that are made for Roadtest.",
            )


def outside(seen: Capabilities, asked: ExistingSpec, context: Context) -> tuple[dict[Family, str], dict[Family, str]]:
    """Family → why this machine does not reach the nodes (only where it does not), and family → its address there.

    `UsageError` where packets to the cluster would go astray: see `here`.
    """
    unreached: dict[Family, str] = {}
    own: dict[Family, str] = {}
    astray: list[str] = []
    families = [] if asked.client_pod else seen.families
    for family in families:
        addresses = [node.addresses[family] for node in seen.nodes if family in node.addresses]
        near = addresses and all(here.neighbour(one) or here.own_address(one) == one for one in addresses)
        if here.loopback(context.server) and not near:
            unreached[family] = f"it is in no {family} network of the nodes"
            astray += addresses
            continue
        if not addresses:
            unreached[family] = "you may not list nodes, so nobody knows their addresses"
            continue
        if ours := here.own_address(addresses[0]):
            own[family] = ours
        if why := here.reaches(addresses):
            unreached[family] = why
    if here.loopback(context.server) and len(unreached) == len(families) > len(own):
        raise UsageError(
            f"The API server is at a loopback address ({context.server}), and this machine is in no network of the "
            f"nodes ({', '.join(astray) or 'you may not list them'}): what it sends to the cluster would go astray.",
            "Let a pod be the client: --client-pod.",
        )
    return unreached, own


def promise(asked: ExistingSpec) -> dict[str, str]:
    """What may be changed, in words."""
    where = f"namespaces {', '.join(asked.namespaces)}" if asked.namespaces else "namespaces of our own"
    more = (
        ", objects outside of them, and what disturbs others (--i-own-this-cluster)"
        if asked.owned
        else ", nothing else"
    )
    return {"what may be changed": f"{where}{more}"}


def again(asked: ExistingSpec, context: Context) -> str:
    """The options that name this cluster once more."""
    words = ["--provider", NAME, "--kubeconfig", str(context.source), "--context", context.name]
    words += ["--i-own-this-cluster"] * asked.owned + ["--client-pod"] * asked.client_pod
    options = {
        "--mode": asked.mode,
        "--ingress-class": asked.ingress_class,
        "--gateway-class": asked.gateway_class,
        "--pod-security": asked.pod_security,
        "--controller-address": asked.controller_address,
    }
    words += [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join(words + [word for name in asked.namespaces for word in ("--namespace", name)])
