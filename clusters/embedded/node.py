"""One node: its place on the network, its files, its processes."""

from __future__ import annotations

from pathlib import Path

from clusters.provider import ClusterSpec

from . import golden_store, mount_points, names, network, node_files
from .addresses import Addresses, zone
from .compartment import Compartment
from .identities import Identities
from .node_files import Host, NodeFolders
from .parts import Parts
from .processes import Process


class Node:
    """A node while its cluster comes up."""

    def __init__(
        self, name: str, spec: ClusterSpec, addresses: Addresses, folder: Path, identities: Identities, parts: Parts
    ) -> None:
        self.name = name
        self.spec = spec
        self.addresses = addresses
        self.identities = identities
        self.parts = parts
        self.resolver = folder / "resolv.conf"
        self.logs = folder / "logs" / name
        self.folders = NodeFolders(folder / "nodes" / name)
        self.root = Path()
        """The node's file system as this machine sees it, once it has one."""

    @property
    def zone(self) -> str:
        return zone(list(self.addresses.nodes).index(self.name) + 1, self.spec.nodes)

    def write(self, store: Path, host: Host) -> None:
        """Every file of the node, its image store linked from ``store``."""
        self.folders.make()
        golden_store.link(store, self.folders.containerd_root)
        self.identities.write_node(self.name)
        shim, pause = self.parts["containerd-shim-runc-v2"], self.parts.image("pause")
        for path, content in {
            self.folders.containerd_file: node_files.containerd(
                self.folders, self.parts.plugin_folders, shim, pause, host
            ),
            self.folders.pod_network_file: node_files.pod_network(self.spec.name, self.name, self.addresses),
            self.folders.kubelet_file: node_files.kubelet(
                self.spec.name, self.name, self.folders, self.addresses, self.identities.folder, self.resolver
            ),
            self.folders.kube_proxy_file: node_files.kube_proxy(
                self.spec.mode, self.name, self.addresses, self.identities.kubeconfig("kube-proxy")
            ),
        }.items():
            path.write_text(content, encoding="utf-8")

    def connect(self, place: Compartment, host: Host) -> None:
        """Put the node on the node network."""
        control = names.control_netns(self.spec.name)
        place.run(network.connect, self.name, self.addresses, control)
        place.run(network.route_node, self.name, self.addresses)
        place.run(network.masquerade_pods, self.addresses, nft=host.nft)

    def start_init(self, place: Compartment) -> Process:
        """Give the node its own mounts and process ids."""
        own = (None, self.folders.cni_state, self.folders.kubelet_root, self.folders.container_links)
        init = place.make_processes(self.name, dict(zip(mount_points.EVERY, own, strict=True)))
        self.root = Path(f"/proc/{init.pid}/root")
        return init

    def start_containerd(self, place: Compartment) -> Process:
        command = [str(self.parts["containerd"]), f"--config={self.folders.containerd_file}"]
        return place.start("containerd", command, self.logs / "containerd.log")

    def containerd_serves(self) -> bool:
        """Whether containerd has made its socket: a kubelet that finds none ends."""
        return (self.root / node_files.CONTAINERD_SOCKET.lstrip("/")).exists()

    def start_kubelet(self, place: Compartment) -> Process:
        command = [
            str(self.parts["kubelet"]),
            f"--config={self.folders.kubelet_file}",
            f"--kubeconfig={self.identities.kubeconfig(f'kubelet-{self.name}')}",
            "--root-dir=/var/lib/kubelet",
            f"--hostname-override={self.name}",
            f"--node-ip={','.join(one.nodes[self.name] for one in self.addresses.every)}",
            f"--node-labels=topology.kubernetes.io/zone={self.zone}",
        ]
        return place.start("kubelet", command, self.logs / "kubelet.log")

    def start_kube_proxy(self, place: Compartment) -> Process:
        command = [str(self.parts["kube-proxy"]), f"--config={self.folders.kube_proxy_file}"]
        return place.start("kube-proxy", command, self.logs / "kube-proxy.log")

    def record(self) -> dict[str, object]:
        """The Node object, made before the kubelet comes: kube-proxy then starts at once instead of asking every
        second, and the node's pod ranges are those that the routes were made for."""
        ranges = [one.pods[self.name] for one in self.addresses.every]
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": {"kubernetes.io/hostname": self.name, "topology.kubernetes.io/zone": self.zone},
            },
            "spec": {"podCIDR": ranges[0], "podCIDRs": ranges},
        }

    def addresses_record(self) -> dict[str, object]:
        """What of the Node object's status must be there beforehand."""
        return {
            "status": {
                "addresses": [
                    *({"type": "InternalIP", "address": one.nodes[self.name]} for one in self.addresses.every),
                    {"type": "Hostname", "address": self.name},
                ]
            }
        }
