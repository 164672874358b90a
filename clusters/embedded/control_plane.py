"""The control plane's command lines."""

from __future__ import annotations

from pathlib import Path

from clusters import dns_domain

from . import node_files
from .addresses import API_PORT, Addresses
from .identities import LOOPBACK, Identities

ETCD_URL = f"https://{LOOPBACK}:2379"
ETCD_PEER_URL = f"https://{LOOPBACK}:2380"


def etcd(binary: Path, data: Path, identities: Identities, patience: float = 1.0) -> list[str]:
    """One member. It forgets nothing that matters when the machine dies, so it never waits for the disk."""
    # A lone member still waits for its own election: 0.1 s instead of the usual 1 s, which a slow machine is given.
    heartbeat = min(100, round(10 * patience))
    certificate, key = identities.certificate("etcd"), identities.key("etcd")
    authority = identities.certificate("etcd-ca")
    return [
        str(binary),
        f"--data-dir={data}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        f"--listen-peer-urls={ETCD_PEER_URL}",
        f"--initial-advertise-peer-urls={ETCD_PEER_URL}",
        f"--initial-cluster=default={ETCD_PEER_URL}",
        f"--cert-file={certificate}",
        f"--key-file={key}",
        f"--trusted-ca-file={authority}",
        "--client-cert-auth",
        f"--peer-cert-file={certificate}",
        f"--peer-key-file={key}",
        f"--peer-trusted-ca-file={authority}",
        "--peer-client-cert-auth",
        "--unsafe-no-fsync",
        f"--heartbeat-interval={heartbeat}",
        f"--election-timeout={10 * heartbeat}",
        "--quota-backend-bytes=2147483648",
    ]


def api_server(binary: Path, addresses: Addresses, identities: Identities) -> list[str]:
    certificate, key = identities.certificate, identities.key
    return [
        str(binary),
        f"--etcd-servers={ETCD_URL}",
        f"--etcd-cafile={certificate('etcd-ca')}",
        f"--etcd-certfile={certificate('etcd-client')}",
        f"--etcd-keyfile={key('etcd-client')}",
        f"--bind-address={addresses.control_plane}",
        f"--advertise-address={addresses.control_plane}",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={certificate('kube-apiserver')}",
        f"--tls-private-key-file={key('kube-apiserver')}",
        f"--client-ca-file={certificate('ca')}",
        f"--kubelet-certificate-authority={certificate('ca')}",
        f"--kubelet-client-certificate={certificate('kubelet-client')}",
        f"--kubelet-client-key={key('kubelet-client')}",
        # Node names do not resolve here.
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={certificate('front-proxy-ca')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={certificate('front-proxy-client')}",
        f"--proxy-client-key-file={key('front-proxy-client')}",
        f"--service-account-key-file={certificate('service-accounts')}",
        f"--service-account-signing-key-file={key('service-accounts')}",
        f"--service-account-issuer={dns_domain.issuer(addresses.dns_domain)}",
        f"--service-cluster-ip-range={addresses.service_subnets}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controller_manager(binary: Path, addresses: Addresses, identities: Identities, patience: float = 1.0) -> list[str]:
    kubeconfig = identities.kubeconfig("kube-controller-manager")
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={LOOPBACK}",
        f"--tls-cert-file={identities.certificate('kube-controller-manager-serving')}",
        f"--tls-private-key-file={identities.key('kube-controller-manager-serving')}",
        f"--client-ca-file={identities.certificate('ca')}",
        f"--root-ca-file={identities.certificate('ca')}",
        f"--cluster-signing-cert-file={identities.certificate('ca')}",
        f"--cluster-signing-key-file={identities.key('ca')}",
        f"--service-account-private-key-file={identities.key('service-accounts')}",
        f"--cluster-cidr={addresses.pod_subnets}",
        f"--service-cluster-ip-range={addresses.service_subnets}",
        # Every node is given its range by its own record: the routes between nodes are made before the nodes are.
        "--allocate-node-cidrs=false",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--node-monitor-period=1s",
        f"--node-monitor-grace-period={node_files.NODE_LOST_SECONDS * patience:g}s",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]


def scheduler(binary: Path, identities: Identities) -> list[str]:
    kubeconfig = identities.kubeconfig("kube-scheduler")
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={LOOPBACK}",
        f"--tls-cert-file={identities.certificate('kube-scheduler-serving')}",
        f"--tls-private-key-file={identities.key('kube-scheduler-serving')}",
        f"--client-ca-file={identities.certificate('ca')}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]
