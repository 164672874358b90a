"""Brings a kind cluster up, and waits for what a user waits for: system pods that are Ready and Services that answer.

kind says "ready" when its nodes are; kube-proxy may be crash-looping then (as in mode ipvs without the kernel's IP_VS).

node network ─┬─ kind create cluster ──────────────┬─ images, pod network ─ add-ons, controllers ─ all Ready ─ traffic
              └─ image for outside hosts ─ hosts ──┘
"""

from __future__ import annotations

import base64
import copy
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from clusters import components, controllers, images
from clusters.addons import install
from clusters.addons.api import ApiError, ClusterApi, wait_until
from clusters.components.catalogue import catalogue
from clusters.embedded import names, relay
from clusters.embedded.addresses import API_PORT
from clusters.embedded.bring_up import open_listener
from clusters.embedded.journal import JOURNAL, Journal
from clusters.embedded.parts import DEFINITIONS, versions
from clusters.embedded.processes import Process, start_time
from clusters.embedded.timeline import Timeline
from clusters.errors import ClusterError
from clusters.families import at
from clusters.progress import Progress, Task
from clusters.provider import Cluster, ClusterSpec

from . import archives, configuration, controller_images, node_network, outside, pod_network
from .configuration import Node
from .description import describe
from .engine import Engine
from .node_image import NodeImage
from .program import CURE, Program
from .removal import LOADED_FILE

CREATE_SECONDS = 600.0
READY_SECONDS = 240.0
TRAFFIC_SECONDS = 60.0
LOAD_SECONDS = 300.0
SYSTEM = "kube-system"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
"""kubeadm puts it on the control plane, which takes pods here: MetalLB would not announce from it."""
STORAGE = "/apis/apps/v1/namespaces/local-path-storage/deployments/local-path-provisioner"
STEPS = 8


class BringUp:
    """One kind cluster while it comes up."""

    def __init__(self, spec: ClusterSpec, engine: Engine, image: NodeImage, folder: Path, progress: Progress) -> None:
        self.spec = spec
        self.engine = engine
        self.image = image
        self.folder = folder
        self.progress = progress
        self.names = catalogue().images
        self.journal = Journal(folder / JOURNAL)

    def run(self) -> Cluster:
        """Bring it up; when this raises, threads of ours have ended and what was made is there to be removed."""
        with self.progress.task(f"kind cluster {self.spec.name} ({self.spec.mode})", STEPS) as task:

            def tell(step: str) -> None:
                task.advance(1)
                task.note(step)

            return self.bring_up(Timeline(tell), task)

    def bring_up(self, timeline: Timeline, task: Task) -> Cluster:
        own = controllers.components_of(self.spec.controllers)
        files = components.resolve(["kind", *DEFINITIONS, *own], self.progress)
        needed = controllers.needed(self.spec.controllers)
        ours = images.resolve([*self.names.values(), *needed.ours], self.progress)
        theirs = controller_images.archives(self.engine, needed, self.folder, self.progress)
        # A node image of ours has what every cluster has.
        lacking = {name: ours[name] for name in needed.ours} if self.image.own else ours
        network = node_network.make(self.engine, self.spec)
        timeline.done("components at hand, node network made")
        environment = {node_network.VARIABLE: network.name, names.MARK: self.spec.name}
        log = self.folder / "logs/kind.log"
        kind = Program(files["kind"], {**self.engine.environment, **environment}, log, task)
        with ThreadPoolExecutor(max_workers=8) as pool:
            hosts = pool.submit(self.start_outsiders, network, ours)
            whole = pool.submit(self.one_archive, lacking) if lacking else None
            try:
                self.create(kind, network)
                if whole:
                    self.load_images(kind, whole.result())
            finally:
                hosts.exception()  # it makes containers: nothing may be removed before it has ended
            hosts.result()
        timeline.done("kind create cluster, outside hosts started")
        api = ClusterApi(self.write_kubeconfig(network))
        nodes = [configuration.node(told) for told in api.get("/api/v1/nodes")["items"]]
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(partial(self.prepare_node, nodes, network, theirs), nodes))
        timeline.done("images in the nodes, pod network set up")
        self.apply(api, files, network, nodes)
        timeline.done("add-ons applied")
        self.wait(api)
        timeline.done("system pods and add-ons Ready")
        self.await_traffic(api, network, nodes)
        timeline.done("every node reaches Services")
        return describe(self.spec, self.engine, self.image, self.folder, network, nodes, self.versions(api), timeline)

    # ---- parts of it --------------------------------------------------------------------------------------------

    def start_outsiders(self, network: node_network.NodeNetwork, every: Mapping[str, Path]) -> None:
        name = self.names["agnhost"]
        if not self.engine.inspect("image", name):
            self.remember_image(name)
            self.engine.run("load", "--quiet", "--input", str(every[name]), seconds=LOAD_SECONDS)
        outside.start(self.engine, self.spec.name, network, name)

    def remember_image(self, name: str) -> None:
        """On record before it is there: it goes with the cluster."""
        (self.folder / LOADED_FILE).write_text(json.dumps([name]), encoding="utf-8")

    def create(self, kind: Program, network: node_network.NodeNetwork) -> None:
        """`kind create cluster`."""
        file = self.folder / "kind.yaml"
        asked = configuration.configuration(self.spec, network.addresses, own_network=self.image.own)
        file.write_text(asked, encoding="utf-8")
        kind.run(
            *("create", "cluster", "--name", self.spec.name, "--image", self.image.name, "--retain"),
            *("--config", str(file), "--kubeconfig", str(self.folder / "kind.kubeconfig")),
            doing="create the cluster",
            seconds=CREATE_SECONDS * self.spec.patience,
        )

    def one_archive(self, every: Mapping[str, Path]) -> Path:
        """Images in one archive: kind loads one at a time, into all nodes side by side."""
        made = self.folder / "images.tar"
        archives.combine(made, {path: [name] for name, path in every.items()})
        return made

    def load_images(self, kind: Program, archive: Path) -> None:
        """`kind load image-archive`."""
        kind.run(
            *("load", "image-archive", str(archive), "--name", self.spec.name),
            doing="load the images into the nodes",
            seconds=LOAD_SECONDS * self.spec.patience,
        )
        archive.unlink()

    def write_kubeconfig(self, network: node_network.NodeNetwork) -> Path:
        """An administrator's kubeconfig for this machine, and one for hosts on the node network."""
        told = yaml.safe_load((self.folder / "kind.kubeconfig").read_text(encoding="utf-8"))
        (described,) = self.engine.inspect("container", f"{self.spec.name}-control-plane")
        (attached,) = described["NetworkSettings"]["Networks"].values()
        own = attached["IPAddress" if network.addresses.family == "IPv4" else "GlobalIPv6Address"]
        inside = f"https://{at(own)}:{API_PORT}"
        self._write_kubeconfig("admin-inside.kubeconfig", told, inside)
        server = told["clusters"][0]["cluster"]["server"]
        if self.engine.ours:
            # Its loopback is not this machine's.
            server = self.start_relay(own)
        return self._write_kubeconfig("admin.kubeconfig", told, server)

    def _write_kubeconfig(self, name: str, told: dict[str, Any], server: str) -> Path:
        changed = copy.deepcopy(told)
        changed["clusters"][0]["cluster"]["server"] = server
        path = self.folder / name
        path.touch(0o600)
        path.write_text(yaml.safe_dump(changed), encoding="utf-8")
        return path

    def start_relay(self, address: str) -> str:
        """Carry this machine's loopback into the engine's network namespace; the address to use."""
        netns = names.netns_path(names.control_netns(names.RIG))
        with open_listener(self.spec.api_port) as listener:
            command = ["nsenter", f"--net={netns}", sys.executable, "-I", str(relay.__file__)]
            command += [str(listener.fileno()), address, str(API_PORT)]
            log = self.folder / "logs/relay.log"
            self.journal.about_to("process", "relay")
            with log.open("ab") as output:
                process = subprocess.Popen(
                    command,
                    env={**os.environ, names.MARK: self.spec.name},
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                    start_new_session=True, pass_fds=(listener.fileno(),),
                )  # fmt: skip
            started = start_time(process.pid)
            self.journal.started(Process(name="relay", place=names.RIG, pid=process.pid, started=started, log=log))
            return f"https://127.0.0.1:{listener.getsockname()[1]}"

    def prepare_node(
        self,
        nodes: list[Node],
        network: node_network.NodeNetwork,
        theirs: list[Path],
        node: Node,
    ) -> None:
        """Give a node others' images, then close its way out; then its pod network, where kind's own is not there."""
        controller_images.load(self.engine, node, theirs)
        script = pod_network.seal(network, next(one for one in nodes if one.name.endswith("-control-plane")))
        script += pod_network.refuse_freely(one.family for one in network.addresses.every)
        if self.image.own:
            pods = {one.family: one.pod_subnet for one in network.addresses.every}
            script += pod_network.set_up(node, nodes, pods)
        pod_network.apply(self.engine, node, script)

    def apply(
        self, api: ClusterApi, files: Mapping[str, Path], network: node_network.NodeNetwork, nodes: list[Node]
    ) -> None:
        for node in nodes:
            unlabel = {"metadata": {"labels": {EXCLUDED: None}}}
            api.request("PATCH", f"/api/v1/nodes/{node.name}", unlabel, "application/merge-patch+json")
        # Ours asks the outside server for names outside the cluster, and never caches what it says.
        deleted = [f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/coredns"]
        if self.image.own:
            deleted += [STORAGE, "/apis/storage.k8s.io/v1/storageclasses/standard"]
        for path in deleted:
            with missing_is_fine():
                api.request("DELETE", path)
        values = {
            "dns_address": network.addresses.dns,
            "dns_domain": network.addresses.dns_domain,
            "upstream": network.sinks[network.addresses.family],
            "coredns_image": self.names["coredns"],
            "metallb_controller_image": self.names["metallb-controller"],
            "metallb_speaker_image": self.names["metallb-speaker"],
            "memberlist_key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "load_balancer_pool": json.dumps([one.pool for one in network.addresses.every]),
        }
        every = install.manifests(values, files, self.spec.gateway_api, addons=("coredns", "metallb"))
        install.apply(api, every, check=nothing, patience=self.spec.patience)
        for name in self.spec.controllers:
            controllers.apply(api, name, patience=self.spec.patience)

    def wait(self, api: ClusterApi) -> None:
        seconds = READY_SECONDS * self.spec.patience
        proxies = f"/apis/apps/v1/namespaces/{SYSTEM}/daemonsets/kube-proxy"
        install.wait(api, seconds=seconds, check=nothing)
        proxied = partial(install.is_rolled_out, api, proxies)
        ready = partial(install.nodes_ready, api, self.spec.nodes)
        wait_until(proxied, what="kube-proxy becoming Ready on every node", seconds=seconds, cure=CURE)
        wait_until(ready, what="every node becoming Ready", seconds=seconds, cure=CURE)
        for name in self.spec.controllers:
            controllers.wait(api, name, seconds=seconds)
        wait_until(partial(system_pods_ready, api), what="Every system pod becoming Ready", seconds=seconds, cure=CURE)

    def await_traffic(self, api: ClusterApi, network: node_network.NodeNetwork, nodes: list[Node]) -> None:
        """From every node to the API's and the DNS's Services: Ready proves nothing."""
        kubernetes = api.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
        script = "".join(
            f"timeout 2 bash -c '</dev/tcp/{address}/{port}'\n"
            for address, port in ((kubernetes, 443), (network.addresses.dns, 53))
        )
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(partial(self._await_traffic, script), nodes))

    def _await_traffic(self, script: str, node: Node) -> None:
        deadline = time.monotonic() + TRAFFIC_SECONDS * self.spec.patience
        while True:
            try:
                pod_network.apply(self.engine, node, script)
                return
            except ClusterError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"Node {node.name} does not reach the Services kubernetes and kube-dns although every pod is "
                        f"Ready: kube-proxy's rules do not work. {error.cause}",
                        "See what it says: the log of kube-proxy.",
                    ) from error
            time.sleep(0.2)

    def versions(self, api: ClusterApi) -> dict[str, str]:
        """As the cluster itself tells them."""
        told = api.get("/api/v1/nodes")["items"][0]["status"]["nodeInfo"]
        return {
            **versions(),
            **controllers.versions(self.spec.controllers),
            "kubelet": str(told["kubeletVersion"]).removeprefix("v"),
            "containerd": str(told["containerRuntimeVersion"]).removeprefix("containerd://"),
            "kube-apiserver": str(api.get("/version")["gitVersion"]).removeprefix("v"),
            "kind": catalogue().components["kind"].version,
            "node image": self.image.name,
            "Docker": str(self.engine.info().get("ServerVersion", "unknown")),
        }


def nothing() -> None:
    """No process of ours has to be watched meanwhile."""


@contextmanager
def missing_is_fine() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status != 404:
            raise


def system_pods_ready(api: ClusterApi) -> bool:
    """Whether every pod of Kubernetes' own is Ready, those on their way out left aside."""
    return all(
        install.is_ready(pod)
        for pod in api.get(f"/api/v1/namespaces/{SYSTEM}/pods")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    )
