"""Brings a cluster up: what can run at the same time does, and every wait is on something that can be seen."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from clusters.addons import install
from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.errors import UsageError
from clusters.provider import Cluster, ClusterSpec, Place

from . import control_plane, golden_store, names, network, node_files
from .addresses import API_PORT, Addresses, zone
from .compartment import Compartment, prepare_netns_folder
from .identities import LOOPBACK, Identities
from .journal import Journal
from .node_files import Host, NodeFolders
from .parts import Parts
from .processes import Process, check_alive
from .timeline import Timeline

API_SECONDS = 60.0
NODES_SECONDS = 60.0
ADDONS_SECONDS = 120.0
MOUNT_POINTS = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")
"""Folders of this machine over which each node mounts its own, seen by nobody else."""


class BringUp:
    """One cluster while it comes up."""

    def __init__(
        self,
        spec: ClusterSpec,
        addresses: Addresses,
        folder: Path,
        host: Host,
        parts: Callable[[], Parts],
        timeline: Timeline,
    ) -> None:
        self.spec = spec
        self.addresses = addresses
        self.folder = folder
        self.host = host
        self.timeline = timeline
        self.journal = Journal(folder / "journal.jsonl")
        self.find_parts = parts
        self.processes: list[Process] = []
        self.compartments: dict[str, Compartment] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="bring-up")

    def run(self) -> Cluster:
        """Bring it up and return it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal.about_to("folder", str(self.folder))
        prepare_netns_folder()
        for point in MOUNT_POINTS:
            if not Path(point).is_dir():
                self.journal.about_to("mount point", point)
                Path(point).mkdir(parents=True, exist_ok=True)
        try:
            return self._run()
        finally:
            for compartment in self.compartments.values():
                compartment.close()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> Cluster:
        listener = open_listener(self.spec.api_port)
        port = listener.getsockname()[1]
        parts = self.find_parts()
        self.timeline.done("components at hand")
        identities = Identities(self.folder / "pki", self.addresses)
        identities.write_control_plane()
        (self.folder / "resolv.conf").write_text(
            f"nameserver {next(iter(self.addresses.servers.values()))}\n", encoding="ascii"
        )
        control = self.compartment(names.control_netns(self.spec.name))
        self.now(control, control.make_network)
        self.now(control, network.make_bridge, self.addresses)
        init = self.now(control, control.make_processes, {})
        self.keep(init)
        self.start(
            control,
            "etcd",
            control_plane.etcd(parts["etcd"], self.folder / "etcd", identities),
            {"GOMAXPROCS": "2"},
        )
        self.start(
            control,
            "kube-apiserver",
            control_plane.api_server(parts["kube-apiserver"], self.addresses, identities),
            {"GOGC": "200"},
        )
        self.timeline.done("API server started")
        identities.write_clients(f"https://{LOOPBACK}:{port}")
        relay = [sys.executable, "-I", str(Path(__file__).with_name("relay.py"))]
        self.start(
            control,
            "relay",
            [*relay, str(listener.fileno()), self.addresses.control_plane, str(API_PORT)],
            {},
            (listener.fileno(),),
        )
        listener.close()
        nodes = {name: self._pool.submit(self.make_node, name, parts, identities) for name in self.addresses.nodes}
        others = {
            name: self._pool.submit(self.make_outsider, name, address)
            for name, address in {**self.addresses.clients, **self.addresses.servers}.items()
        }
        manifests = self._pool.submit(
            install.manifests, self.addon_values(parts), parts.crds(), experimental=False
        )
        for future in (*nodes.values(), *others.values()):
            future.result()
        self.timeline.done("node network and containerd started")
        self.now(control, network.plug_in, [*nodes, *others])
        self.now(control, network.route_control_plane, self.addresses)
        api = ClusterApi(identities.kubeconfig("admin"))
        self.wait("The API server's first answer", API_SECONDS, lambda: answers(api))
        self.timeline.done("API server answers")
        for node in self.addresses.nodes:
            self.register(api, node)
        self.wait("Kubernetes' own roles being made", API_SECONDS, lambda: roles_made(api))
        self.timeline.done("roles made")
        for name, command in (
            ("kube-controller-manager", control_plane.controller_manager(
                parts["kube-controller-manager"], self.addresses, identities)),
            ("kube-scheduler", control_plane.scheduler(parts["kube-scheduler"], identities)),
        ):
            self.start(control, name, command, {"GOGC": "200"})
        for name in nodes:
            self.start_node(name, parts, identities)
        self.timeline.done("kubelets started")
        install.apply(api, manifests.result(), check=self.check)
        self.timeline.done("add-ons applied")
        self.wait("Every node being Ready", NODES_SECONDS, lambda: nodes_ready(api, len(nodes)))
        self.timeline.done("nodes Ready")
        install.wait(api, seconds=ADDONS_SECONDS, check=self.check)
        self.timeline.done("add-ons Ready")
        return self.describe(parts, identities)

    def now(self, compartment: Compartment, function: Callable[..., Any], *arguments: Any) -> Any:
        return compartment.call(function, *arguments).result()

    def compartment(self, netns: str) -> Compartment:
        made = Compartment(self.spec.name, netns, self.journal)
        with self._lock:
            self.compartments[netns] = made
        return made

    def keep(self, process: Process) -> None:
        self.journal.started(f"{process.place} {process.name}", process.pid)
        with self._lock:
            self.processes.append(process)

    def check(self) -> None:
        """Raise for a process that has ended."""
        with self._lock:
            processes = list(self.processes)
        check_alive(processes)

    def wait(self, what: str, seconds: float, holds: Callable[[], bool]) -> None:
        wait_until(holds, what=what, seconds=seconds, check=self.check, cure=f"The logs are in {self.folder / 'logs'}.")

    def start(
        self,
        compartment: Compartment,
        name: str,
        command: list[str],
        environment: dict[str, str],
        descriptors: tuple[int, ...] = (),
        log: Path | None = None,
    ) -> None:
        log = log or self.folder / "logs" / f"{name}.log"
        self.keep(compartment.call(compartment.start, name, command, log, environment, descriptors).result())

    def make_outsider(self, name: str, address: str) -> None:
        place = self.compartment(names.place_netns(self.spec.name, name))
        self.now(place, place.make_network)
        self.now(place, network.connect, name, address, self.addresses, names.control_netns(self.spec.name))

    def make_node(self, name: str, parts: Parts, identities: Identities) -> None:
        """A node up to and including its containerd."""
        folders = NodeFolders(self.folder / "nodes" / name)
        folders.make()
        store = parts.image_store()
        golden_store.link(store, folders.containerd_root)
        node = self.compartment(names.place_netns(self.spec.name, name))
        self.now(node, node.make_network)
        self.now(node, network.connect, name, self.addresses.nodes[name], self.addresses, names.control_netns(self.spec.name))
        self.now(node, network.route_node, name, self.addresses)
        self.now(node, network.masquerade, self.addresses)
        plugins = parts["ptp"].parent
        folders.containerd_file.write_text(node_files.containerd(folders, plugins, parts.pause_image, self.host))
        (folders.cni_configuration / "10-roadtest.conflist").write_text(
            node_files.pod_network(self.spec.name, name, self.addresses)
        )
        identities.write_node(name)
        folders.kubelet_file.write_text(
            node_files.kubelet(
                self.spec.name, name, folders, self.addresses, identities.folder, self.folder / "resolv.conf", self.host
            )
        )
        folders.kube_proxy_file.write_text(
            node_files.kube_proxy(self.spec.mode, name, self.addresses, identities.kubeconfig("kube-proxy"))
        )
        self.keep(
            self.now(
                node,
                node.make_processes,
                {
                    "/run/containerd": None,
                    "/var/lib/cni": folders.cni_state,
                    "/var/lib/kubelet": folders.kubelet_root,
                    "/var/log/containers": folders.container_links,
                },
            )
        )
        path = f"{parts['containerd'].parent}:{parts['containerd-shim-runc-v2'].parent}"
        self.start(
            node,
            "containerd",
            [str(parts["containerd"]), "--config", str(folders.containerd_file)],
            {"PATH": f"{path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            log=self.folder / "logs" / name / "containerd.log",
        )

    def start_node(self, name: str, parts: Parts, identities: Identities) -> None:
        folders = NodeFolders(self.folder / "nodes" / name)
        node = self.compartments[names.place_netns(self.spec.name, name)]
        number = list(self.addresses.nodes).index(name) + 1
        self.start(
            node,
            "kubelet",
            node_files.kubelet_command(
                parts["kubelet"],
                name,
                folders,
                self.addresses,
                identities.kubeconfig(f"kubelet-{name}"),
                zone(number, self.spec.nodes),
            ),
            {},
            log=self.folder / "logs" / name / "kubelet.log",
        )
        self.start(
            node,
            "kube-proxy",
            [str(parts["kube-proxy"]), f"--config={folders.kube_proxy_file}"],
            {},
            log=self.folder / "logs" / name / "kube-proxy.log",
        )

    def register(self, api: ClusterApi, name: str) -> None:
        """Make a node's record beforehand: kube-proxy then starts at once, and its pod range is the one it has routes for."""
        number = list(self.addresses.nodes).index(name) + 1
        node = api.request(
            "POST",
            "/api/v1/nodes",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "topology.kubernetes.io/zone": zone(number, self.spec.nodes),
                    },
                },
                "spec": {"podCIDR": self.addresses.pods[name], "podCIDRs": [self.addresses.pods[name]]},
            },
        )
        node["status"]["addresses"] = [
            {"type": "InternalIP", "address": self.addresses.nodes[name]},
            {"type": "Hostname", "address": name},
        ]
        api.request("PUT", f"/api/v1/nodes/{name}/status", node)

    def addon_values(self, parts: Parts) -> dict[str, str]:
        return {
            "dns_address": self.addresses.dns,
            "upstream": next(iter(self.addresses.servers.values())),
            "coredns_image": parts.image("coredns"),
            "metallb_controller_image": parts.image("metallb-controller"),
            "metallb_speaker_image": parts.image("metallb-speaker"),
            "memberlist_key": base64.b64encode(secrets.token_bytes(16)).decode().rstrip("="),
            "load_balancer_pool": self.addresses.pool,
        }

    def describe(self, parts: Parts, identities: Identities) -> Cluster:
        def place(name: str, role: str, address: str, zone_name: str = "") -> Place:
            path = str(names.netns_path(names.place_netns(self.spec.name, name)))
            return Place(
                name=name, role=role, address=address, zone=zone_name, netns=path, command=["nsenter", f"--net={path}"]
            )

        return Cluster(
            name=self.spec.name,
            provider="embedded",
            provider_reason="",
            mode=self.spec.mode,
            kubeconfig=identities.kubeconfig("admin"),
            state=self.folder,
            nodes=[
                place(name, "node", address, zone(number, self.spec.nodes))
                for number, (name, address) in enumerate(self.addresses.nodes.items(), 1)
            ],
            clients=[place(name, "client", address) for name, address in self.addresses.clients.items()],
            servers=[place(name, "server", address) for name, address in self.addresses.servers.items()],
            pod_subnet=self.addresses.pod_subnet,
            service_subnet=self.addresses.service_subnet,
            load_balancer_pool=self.addresses.pool,
            dns_address=self.addresses.dns,
            timings=dict(self.timeline.seconds),
        )


def open_listener(port: int) -> socket.socket:
    """The loopback socket that the relay will serve, made here so that a port in use is told at once."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"The API server cannot be given port {port} of {LOOPBACK}: {error.strerror}.",
            f"See who has it with: ss -ltnp 'sport = :{port}'; or leave --api-port away, and a free one is taken.",
        ) from None
    return listener


def answers(api: ClusterApi) -> bool:
    with contextlib.suppress(ApiError):
        # The first namespace that the server makes by itself: before it, nothing can be put on the cluster.
        api.get("/api/v1/namespaces/kube-system")
        return True
    return False


def roles_made(api: ClusterApi) -> bool:
    with contextlib.suppress(ApiError):
        api.get("/readyz/poststarthook/rbac/bootstrap-roles")
        return True
    return False


def nodes_ready(api: ClusterApi, count: int) -> bool:
    ready = [
        node
        for node in api.get("/api/v1/nodes")["items"]
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    ]
    return len(ready) == count


__all__ = ["BringUp", "Future", "msgspec", "os"]
