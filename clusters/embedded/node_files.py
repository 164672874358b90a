"""A node's configuration files, as values: containerd, kubelet, kube-proxy and the pod network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from clusters.families import EVERYTHING, Family, at
from clusters.provider import Mode

from . import names
from .addresses import Addresses

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
KUBE_PROXY_SYNC_PERIOD = "30s"
NODE_LOST_SECONDS = 20
"""kube-controller-manager's --node-monitor-grace-period; a kubelet renews its lease four times as often."""
KUBE_PROXY_MIN_SYNC_PERIOD = "100ms"
"""The same in every mode, so that modes can be compared; kube-proxy's default is 1 s."""
MTU = 1500
ANY: Mapping[Family, str] = {"IPv4": "0.0.0.0", "IPv6": "::"}  # noqa: S104 - inside the node's namespace


class Host(msgspec.Struct, frozen=True):
    """What this machine allows its nodes."""

    lowers_oom_score: bool
    """Whether a process may lower its oom_score_adj (CAP_SYS_RESOURCE)."""
    runc: Path
    nft: bool = True
    """Whether the kernel takes NAT from nftables; without, it does from iptables."""


class NodeFolders(msgspec.Struct, frozen=True):
    """Where a node's files are on this machine. Inside the node, some of them are mounted at the usual places."""

    home: Path

    @property
    def containerd_root(self) -> Path:
        return self.home / "containerd"

    @property
    def kubelet_root(self) -> Path:
        """Inside the node: /var/lib/kubelet."""
        return self.home / "kubelet"

    @property
    def cni_state(self) -> Path:
        """Inside the node: /var/lib/cni."""
        return self.home / "cni"

    @property
    def container_links(self) -> Path:
        """Inside the node: /var/log/containers."""
        return self.home / "log-links"

    @property
    def pod_logs(self) -> Path:
        return self.home / "pod-logs"

    @property
    def cni_configuration(self) -> Path:
        return self.home / "cni.d"

    @property
    def pod_network_file(self) -> Path:
        return self.cni_configuration / "10-roadtest.conflist"

    @property
    def containerd_file(self) -> Path:
        return self.home / "containerd.toml"

    @property
    def kubelet_file(self) -> Path:
        return self.home / "kubelet.yaml"

    @property
    def kube_proxy_file(self) -> Path:
        return self.home / "kube-proxy.yaml"

    def make(self) -> None:
        for folder in (
            *(self.kubelet_root, self.cni_state, self.container_links, self.pod_logs, self.cni_configuration),
        ):
            folder.mkdir(parents=True, exist_ok=True)


def pod_network(cluster: str, node: str, addresses: Addresses) -> str:
    """The pod network of one node."""
    pods = {one.family: one.pods[node] for one in addresses.every}
    return network_list(f"roadtest-{cluster}-{node}", "/var/lib/cni/networks", pods)


def network_list(name: str, data: str, pods: Mapping[Family, str]) -> str:
    """CNI: a veth pair per pod (ptp), addresses of the node's own ranges, kept in ``data``, and host ports.

    https://www.cni.dev/plugins/current/main/ptp/
    """
    document = {
        "cniVersion": "1.0.0",
        "name": name,
        "plugins": [
            {
                "type": "ptp",
                "mtu": MTU,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": data,
                    "ranges": [[{"subnet": subnet}] for subnet in pods.values()],
                    "routes": [{"dst": EVERYTHING[family]} for family in pods],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    return json.dumps(document, indent=2)


def containerd(folders: NodeFolders, plugins: list[Path], shim: Path, pause_image: str, host: Host) -> str:
    """containerd's configuration (version 3: containerd 2.x)."""
    return f"""\
version = 3
root = {json.dumps(str(folders.containerd_root))}
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.native",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins.'io.containerd.cri.v1.runtime']
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = {json.dumps(not host.lowers_oom_score)}
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    runtime_path = {json.dumps(str(shim))}
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = {json.dumps(str(host.runc))}
      SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = {json.dumps([str(folder) for folder in plugins])}
    conf_dir = {json.dumps(str(folders.cni_configuration))}
    use_internal_loopback = true

[plugins.'io.containerd.cri.v1.images']
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = {json.dumps(pause_image)}

[plugins.'io.containerd.gc.v1.scheduler']
  startup_delay = "60s"
"""


def kubelet(cluster: str, node: str, folders: NodeFolders, addresses: Addresses, pki: Path, resolver: Path) -> str:
    """KubeletConfiguration (https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/)."""
    document: dict[str, object] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": addresses.nodes[node],
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": names.cgroup(cluster, node),
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [addresses.dns],
        "clusterDomain": addresses.dns_domain,
        "resolvConf": str(resolver),
        "podLogsDir": str(folders.pod_logs),
        "volumePluginDir": str(folders.home / "volume-plugins"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True, "cacheTTL": "2m0s"},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / f"kubelet-{node}-serving.crt"),
        "tlsPrivateKeyFile": str(pki / f"kubelet-{node}-serving.key"),
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "maxPods": 110,
        "registerNode": True,
        "serializeImagePulls": False,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        "nodeStatusUpdateFrequency": "10s",
        "nodeLeaseDurationSeconds": NODE_LOST_SECONDS,
        "localStorageCapacityIsolation": False,
        # This machine's disk is not the cluster's business: nothing is evicted for it.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "shutdownGracePeriod": "0s",
    }
    return yaml.safe_dump(document, sort_keys=False)


def kube_proxy(mode: Mode, node: str, addresses: Addresses, kubeconfig: Path) -> str:
    """KubeProxyConfiguration (https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/)."""
    periods = {"syncPeriod": KUBE_PROXY_SYNC_PERIOD, "minSyncPeriod": KUBE_PROXY_MIN_SYNC_PERIOD}
    document = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 200, "burst": 400},
        "hostnameOverride": node,
        "clusterCIDR": addresses.pod_subnets,
        "detectLocalMode": "ClusterCIDR",
        "bindAddress": ANY[addresses.family],
        "healthzBindAddress": f"{at(ANY[addresses.family])}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "iptables": periods,
        "nftables": periods,
        "ipvs": periods,
        # These are the machine's, not the namespace's: zero leaves them alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    return yaml.safe_dump(document, sort_keys=False)
