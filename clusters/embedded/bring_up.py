"""Brings a cluster up: what can run at the same time does, and every wait is on something that can be seen.

certificates ─ etcd, API server ──────────────── answers ─┬─ node records ─ kubelets ─────────┐
image store ── node 1…N: network, containerd ─────────────┼─ roles ─ controllers, kube-proxies ┼─ all Ready
clients, servers, relay ──────────────────────────────────┴─ add-ons applied ──────────────────┘
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from clusters import controllers
from clusters.addons import install
from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.errors import UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec

from . import cgroups, control_plane, mount_points, network
from .addresses import API_PORT, Addresses
from .compartment import Abandoned, Compartment, prepare_netns_folder
from .description import describe
from .identities import LOOPBACK, Identities
from .journal import JOURNAL, Journal
from .names import control_netns, place_netns
from .node import Node
from .node_files import Host
from .parts import Parts
from .processes import Process, check_alive
from .timeline import Timeline

P = ParamSpec("P")
T = TypeVar("T")

API_SECONDS = 60.0
"""From the API server's start to its first answer, and from that to Kubernetes' own roles."""
FIRST_ANSWER_SECONDS = 2.0
CONTAINERD_SECONDS = 60.0
READY_SECONDS = 180.0
"""From there until every node and add-on is Ready."""
CHECK_SECONDS = 0.1
"""How often it is looked whether every process is still alive, while something else is waited for."""
WORKERS = 12
STEPS = 9


class BringUp:
    """One cluster while it comes up."""

    def __init__(self, spec: ClusterSpec, addresses: Addresses, folder: Path, host: Host, progress: Progress) -> None:
        self.spec = spec
        self.addresses = addresses
        self.folder = folder
        self.host = host
        self.progress = progress
        self.journal = Journal(folder / JOURNAL)
        self._processes: list[Process] = []
        self._compartments: list[Compartment] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="bring-up")
        self._abandoned = False

    def run(self) -> Cluster:
        """Bring it up. Whatever happens, no thread of ours goes on when this returns or raises."""
        try:
            self.prepare_folders()
            with self.progress.task(f"cluster {self.spec.name} ({self.spec.mode})", STEPS) as task:

                def tell(step: str) -> None:
                    task.advance(1)
                    task.note(step)

                return self.bring_up(Timeline(tell))
        except BaseException:
            self._abandoned = True
            raise
        finally:
            with self._lock:
                compartments = list(self._compartments)
            for compartment in compartments:
                compartment.close()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def prepare_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal.about_to("folder", str(self.folder))
        mount_points.prepare()
        cgroups.make(self.spec.name, self.addresses.nodes)
        prepare_netns_folder()

    def bring_up(self, timeline: Timeline) -> Cluster:
        with open_listener(self.spec.api_port) as listener:
            parts = Parts(self.progress, self.spec.controllers)
            timeline.done("components at hand")
            store = self.submit(parts.image_store, self.check)
            identities = Identities(self.folder / "pki", self.addresses)
            control = self.start_control_plane(identities, parts)
            timeline.done("API server started")
            manifests = self.submit(install.manifests, self.addon_values(parts), parts, self.spec.gateway_api)
            identities.write_clients(f"https://{LOOPBACK}:{listener.getsockname()[1]}")
            self.start_relay(control, listener)
        nodes = [Node(name, self.spec, self.addresses, self.folder, identities, parts) for name in self.addresses.nodes]
        outsiders = [*self.addresses.clients, *self.addresses.servers]
        resolver = next(iter(self.addresses.servers.values()))
        (self.folder / "resolv.conf").write_text(f"nameserver {resolver}\n", encoding="ascii")
        node_places = [self.submit(self.make_node, node, store) for node in nodes]
        outside_places = [self.submit(self.make_outsider, outsider) for outsider in outsiders]
        api = ClusterApi(identities.kubeconfig("admin"), self.spec.patience)
        places = self.results(node_places)
        self.results(outside_places)
        control.run(network.plug_in, [*self.addresses.nodes, *outsiders])
        control.run(network.route_control_plane, self.addresses)
        timeline.done("network and containerd started")
        # In a thread: the API server takes connections long before it answers them, and may die meanwhile.
        self.results([self.submit(self.wait, "The API server answering", API_SECONDS, lambda: answers(api))])
        timeline.done("API server answers")

        def start_kubelets() -> None:
            for node, place in zip(nodes, places, strict=True):
                register(api, node)
                self.wait(f"containerd on {node.name} serving", CONTAINERD_SECONDS, node.containerd_serves)
                self.keep(node.start_kubelet(place))
            timeline.done("kubelets started")
            self.wait("Every node becoming Ready", READY_SECONDS, lambda: install.nodes_ready(api, len(nodes)))
            timeline.done("nodes Ready")

        def start_controllers() -> None:
            self.wait("Kubernetes making its own roles", API_SECONDS, lambda: roles_made(api))
            timeline.done("Kubernetes' own roles made")
            self.start_controllers(control, identities, parts)
            for node, place in zip(nodes, places, strict=True):
                self.keep(node.start_kube_proxy(place))

        def apply() -> None:
            patience = self.spec.patience
            install.apply(api, self.results([manifests])[0], check=self.check, patience=patience)
            for name in self.spec.controllers:
                controllers.apply(api, name, check=self.check, patience=patience)
            timeline.done("add-ons applied")

        self.results([self.submit(start_kubelets), self.submit(start_controllers), self.submit(apply)])
        ready_seconds = READY_SECONDS * self.spec.patience
        install.wait(api, seconds=ready_seconds, check=self.check)
        for name in self.spec.controllers:
            controllers.wait(api, name, seconds=ready_seconds, check=self.check)
        timeline.done("add-ons Ready")
        return describe(self.spec, self.addresses, self.folder, timeline.seconds)

    # ---- parts of it --------------------------------------------------------------------------------------------

    def start_control_plane(self, identities: Identities, parts: Parts) -> Compartment:
        identities.write_control_plane()
        control = self.compartment(control_netns(self.spec.name))
        control.run(network.make_bridge, self.addresses)
        self.keep(control.make_processes("control-plane", {}))
        etcd = control_plane.etcd(parts["etcd"], self.folder / "etcd", identities, self.spec.patience)
        self.start(control, "etcd", etcd)
        self.start(
            control, "kube-apiserver", control_plane.api_server(parts["kube-apiserver"], self.addresses, identities)
        )
        return control

    def start_relay(self, control: Compartment, listener: socket.socket) -> None:
        program = str(Path(__file__).with_name("relay.py"))
        command = [sys.executable, "-I", program, str(listener.fileno()), self.addresses.control_plane, str(API_PORT)]
        self.start(control, "relay", command, descriptors=(listener.fileno(),))

    def start_controllers(self, control: Compartment, identities: Identities, parts: Parts) -> None:
        manager = parts["kube-controller-manager"]
        self.start(
            control,
            "kube-controller-manager",
            control_plane.controller_manager(manager, self.addresses, identities, self.spec.patience),
        )
        self.start(control, "kube-scheduler", control_plane.scheduler(parts["kube-scheduler"], identities))

    def make_outsider(self, name: str) -> None:
        place = self.compartment(place_netns(self.spec.name, name))
        place.run(network.connect, name, self.addresses, control_netns(self.spec.name))

    def make_node(self, node: Node, store: Future[Path]) -> Compartment:
        """A node up to and including its containerd."""
        place = self.compartment(place_netns(self.spec.name, node.name))
        node.connect(place, self.host)
        node.write(self.results([store])[0], self.host)
        self.keep(node.start_init(place))
        self.keep(node.start_containerd(place))
        return place

    def addon_values(self, parts: Parts) -> dict[str, str]:
        return {
            "dns_address": self.addresses.dns,
            "dns_domain": self.addresses.dns_domain,
            "upstream": next(iter(self.addresses.servers.values())),
            "coredns_image": parts.image("coredns"),
            "metallb_controller_image": parts.image("metallb-controller"),
            "metallb_speaker_image": parts.image("metallb-speaker"),
            "memberlist_key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "load_balancer_pool": json.dumps([one.pool for one in self.addresses.every]),
        }

    # ---- threads and processes ----------------------------------------------------------------------------------

    def submit(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> Future[T]:
        return self._pool.submit(function, *arguments, **keywords)

    def results(self, futures: Iterable[Future[T]]) -> list[T]:
        """What they return; the first error of any, or of a process that ended meanwhile, at once."""
        every = list(futures)
        while True:
            done, waiting = wait_for(every, CHECK_SECONDS * self.spec.patience, FIRST_EXCEPTION)
            for future in done:
                future.result()
            if not waiting:
                return [future.result() for future in every]
            self.check()

    def compartment(self, netns: str) -> Compartment:
        made = Compartment(self.spec.name, netns, self.journal)
        with self._lock:
            self._compartments.append(made)
        made.make_network()
        return made

    def start(self, place: Compartment, name: str, command: list[str], descriptors: tuple[int, ...] = ()) -> None:
        log = self.folder / "logs" / f"{name}.log"
        self.keep(place.start(name, command, log, descriptors))

    def keep(self, process: Process) -> None:
        with self._lock:
            self._processes.append(process)

    def check(self) -> None:
        """Raise for a process that has ended, or when the whole is given up."""
        if self._abandoned:
            raise Abandoned
        with self._lock:
            processes = list(self._processes)
        check_alive(processes)

    def wait(self, what: str, seconds: float, holds: Callable[[], bool]) -> None:
        cure = "On a slow machine, give it longer: --patience 3."
        wait_until(holds, what=what, seconds=seconds * self.spec.patience, check=self.check, cure=cure)


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
            f"See who has it with: ss -ltnp 'sport = :{port}'. Without --api-port a free one is taken.",
        ) from None
    return listener


def register(api: ClusterApi, node: Node) -> None:
    api.request("POST", "/api/v1/nodes", node.record())
    path = f"/api/v1/nodes/{node.name}/status"
    api.request("PATCH", path, node.addresses_record(), "application/strategic-merge-patch+json")


def answers(api: ClusterApi) -> bool:
    with suppress(ApiError):
        # Made by the server itself: before it, nothing can be put on the cluster.
        api.get("/api/v1/namespaces/kube-system", FIRST_ANSWER_SECONDS)
        return True
    return False


def roles_made(api: ClusterApi) -> bool:
    with suppress(ApiError):
        api.get("/readyz/poststarthook/rbac/bootstrap-roles")
        return True
    return False
