"""Who is who in a cluster: every part's certificate and kubeconfig, written below the cluster's ``pki`` folder.

User names and groups are those that Kubernetes' own roles and the Node authoriser expect
(https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles, …/node/).
"""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from .addresses import Addresses
from .certificates import Authority, Pair, signing_key

LOOPBACK = "127.0.0.1"


class Identities:
    """The authorities of one cluster and the files of those who hold their certificates."""

    def __init__(self, folder: Path, addresses: Addresses) -> None:
        self.folder = folder
        self.addresses = addresses
        self.cluster = Authority("roadtest-cluster")
        self.etcd = Authority("roadtest-etcd")
        self.front_proxy = Authority("roadtest-front-proxy")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write_control_plane(self) -> None:
        """Certificates of etcd, the API server and the service account signer: what the first processes need."""
        for name, authority in (("ca", self.cluster), ("etcd-ca", self.etcd), ("front-proxy-ca", self.front_proxy)):
            self._write(name, authority.pair)
        self._write("service-accounts", signing_key())
        self._write(
            "etcd",
            self.etcd.issue("etcd", names=["localhost"], addresses=[LOOPBACK], server=True, client=True),
        )
        self._write("etcd-client", self.etcd.issue("kube-apiserver-etcd-client", client=True))
        self._write(
            "kube-apiserver",
            self.cluster.issue(
                "kube-apiserver",
                names=[
                    "localhost",
                    *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
                    f"kubernetes.default.svc.{self.addresses.dns_domain}",
                ],
                addresses=[LOOPBACK, self.addresses.control_plane, self.addresses.kubernetes_service],
                server=True,
            ),
        )
        # RBAC: addons/rbac binds this user to system:kubelet-api-admin, and to nothing else.
        self._write("kubelet-client", self.cluster.issue("kube-apiserver-kubelet-client", client=True))
        self._write("front-proxy-client", self.front_proxy.issue("front-proxy-client", client=True))

    def write_clients(self, relay: str) -> None:
        """The administrator's kubeconfig (through the relay), the controllers' and kube-proxy's.

        ``relay`` is the API server's address from outside the cluster's namespaces.
        """
        inside = self.addresses.api_server
        admin = self.cluster.issue("roadtest-admin", organisations=["system:masters"], client=True)
        self._write_kubeconfig("admin", relay, admin)
        self._write_kubeconfig("admin-inside", inside, admin)
        for component in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
            self._write_kubeconfig(component, inside, self.cluster.issue(f"system:{component}", client=True))
        for component in ("kube-controller-manager", "kube-scheduler"):
            serving = self.cluster.issue(component, names=["localhost"], addresses=[LOOPBACK], server=True)
            self._write(f"{component}-serving", serving)

    def write_node(self, node: str) -> None:
        """A kubelet's kubeconfig and serving certificate."""
        user = self.cluster.issue(f"system:node:{node}", organisations=["system:nodes"], client=True)
        self._write_kubeconfig(f"kubelet-{node}", self.addresses.api_server, user)
        own = [one.nodes[node] for one in self.addresses.every]
        serving = self.cluster.issue(
            f"system:node:{node}", organisations=["system:nodes"], names=[node], addresses=own, server=True
        )
        self._write(f"kubelet-{node}-serving", serving)

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def kubeconfig(self, name: str) -> Path:
        return self.folder / f"{name}.kubeconfig"

    def _write(self, name: str, pair: Pair) -> None:
        self.certificate(name).write_bytes(pair.certificate)
        write_private(self.key(name), pair.key)

    def _write_kubeconfig(self, name: str, server: str, user: Pair) -> None:
        write_private(self.kubeconfig(name), kubeconfig(server, self.cluster.certificate, user))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def kubeconfig(server: str, authority: bytes, user: Pair) -> bytes:
    """A kubeconfig that holds everything it needs."""

    def text(content: bytes) -> str:
        return base64.b64encode(content).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "roadtest", "cluster": {"server": server, "certificate-authority-data": text(authority)}}
        ],
        "users": [
            {
                "name": "user",
                "user": {"client-certificate-data": text(user.certificate), "client-key-data": text(user.key)},
            }
        ],
        "contexts": [{"name": "roadtest", "context": {"cluster": "roadtest", "user": "user"}}],
        "current-context": "roadtest",
    }
    return yaml.safe_dump(document, sort_keys=False).encode()
