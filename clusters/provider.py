"""What a provider gives: a cluster one can send traffic to, and places to send it from.

A `Cluster` is a value: everything needed to use a cluster from another process, written as ``cluster.json`` in the
cluster's own state folder. What differs between providers (network namespaces, containers, plain kubeconfigs) is hidden
behind `Place`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from clusters.dns_domain import DEFAULT as DEFAULT_DOMAIN
from clusters.families import Family
from clusters.progress import Progress

Channel = Literal["standard", "experimental"]
"""Of the Gateway API's definitions (https://gateway-api.sigs.k8s.io/concepts/versioning/): chosen once."""
Mode = Literal["iptables", "ipvs", "nftables"]
MODES: tuple[Mode, ...] = ("iptables", "nftables", "ipvs")
UNKNOWN = "unknown"
SeenMode = Literal["iptables", "ipvs", "nftables", "unknown"]
"""What a cluster that is not ours may not let us see."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A host on the node network: a node, an outside client or an outside server."""

    name: str
    """``n1``, ``client-1``, ``server-1``."""
    role: Literal["node", "client", "server"]
    address: str
    """Its address on the node network, in the cluster's primary family; packets that it sends carry it."""
    addresses: dict[Family, str] = {}
    """The same in every family that it has."""
    pod_subnet: str = ""
    """A node's own pod range, ``10.244.1.0/24``. What the node sends to a pod of its own carries its first address."""
    pod_subnets: dict[Family, str] = {}
    zone: str = ""
    netns: str = ""
    """Path of its network namespace, where this process can enter it (``/run/netns/…``); empty elsewhere."""
    command: list[str] = []
    """Prefix that runs a command there: ``["nsenter", "--net=/run/netns/…"]`` or ``["docker", "exec", "-i", "…"]``."""
    here: bool = False
    """This machine's own network. It must be said: a place that merely lost its namespace sends nothing from here."""

    def of(self, family: Family) -> Place:
        """The place as it is seen in one family; without an address where it has none of it."""
        return msgspec.structs.replace(
            self, address=self.addresses.get(family, ""), pod_subnet=self.pod_subnets.get(family, "")
        )


class ExistingSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which cluster that is there already is meant, and what may be done to it."""

    kubeconfig: Path | None = None
    """Empty: ``$KUBECONFIG``, else ``~/.kube/config``, as for kubectl."""
    context: str = ""
    """Empty: the kubeconfig's current one."""
    owned: bool = False
    """``--i-own-this-cluster``: objects outside our namespaces, what disturbs others, host-network pods, load."""
    client_pod: bool = False
    """The client is a pod of ours; otherwise it is this machine."""
    mode: str = ""
    """kube-proxy's mode as the user says it; empty: as detected."""
    ingress_class: str = ""
    gateway_class: str = ""
    namespaces: list[str] = []
    """Use these instead of making any."""
    pod_security: str = ""
    """The Pod Security level that the namespaces we make enforce; empty: the cluster's own default."""
    controller_address: str = ""
    """Where Ingress traffic enters, when the cluster itself does not tell."""


class ClusterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    name: str
    provider: str = "auto"
    mode: Mode = "iptables"
    nodes: int = 3
    controllers: list[str] = []
    gateway_api: Channel = "standard"
    families: list[Family] = msgspec.field(default_factory=lambda: ["IPv4"])
    """One, or both; the first is the one that a Service gets when it asks for none."""
    node_subnet: str = ""
    """Empty: the usual one of each family (`clusters.embedded.addresses.SUBNETS`). Of both, with a comma."""
    pod_subnet: str = ""
    service_subnet: str = ""
    dns_domain: str = DEFAULT_DOMAIN
    """Of the cluster's own names."""
    patience: float = 1.0
    """Factor on every time-out of the start-up, for slow machines."""
    api_port: int = 0
    """Loopback port of the API server for this machine; 0 picks a free one."""
    existing: ExistingSpec = ExistingSpec()
    """For the provider of that name."""


class Classes(msgspec.Struct, frozen=True, kw_only=True):
    """The classes of one controller that somebody else installed, and what they say their controller is called."""

    ingress: str = ""
    ingress_controller: str = ""
    gateway: str = ""
    gateway_controller: str = ""
    canary_ingress: str = ""
    """Whose Ingresses split traffic by annotations."""
    address: str = ""
    """Where Ingress traffic enters, if the user says it."""
    named: bool = False
    """The user named the IngressClass: that nobody serves it is a mistake then."""


class Ranges(msgspec.Struct, frozen=True, kw_only=True):
    """The ranges of a cluster in one family; each is empty where it is not known."""

    pod_subnet: str = ""
    service_subnet: str = ""
    load_balancer_pool: str = ""
    """First and last address, ``172.30.0.200-172.30.0.250``; empty where no LoadBalancer is served."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A running cluster, as anyone above this folder sees it."""

    name: str
    provider: str
    provider_reason: str
    mode: SeenMode
    kubeconfig: Path
    """A kubeconfig that works from this process: an administrator's, but for a cluster that is not ours."""
    state: Path
    """The folder that holds everything of this cluster; logs in ``state / "logs"``."""
    nodes: list[Place]
    clients: list[Place]
    """At least two outside clients; of an existing cluster this machine, or nobody where a pod stands in for it."""
    servers: list[Place]
    """At least one outside server; none of an existing cluster."""
    pod_subnet: str
    service_subnet: str
    load_balancer_pool: str
    """These three are of the primary family, as `Ranges` has them."""
    families: list[Family] = msgspec.field(default_factory=lambda: ["IPv4"])
    """Those that Services may have, the primary one first."""
    ranges: dict[Family, Ranges] = {}
    """Of every family."""
    dns_address: str
    dns_domain: str = DEFAULT_DOMAIN
    controllers: list[str] = []
    versions: dict[str, str] = {}
    conditions: dict[str, str] = {}
    timings: dict[str, float] = {}
    """Step of the start-up → seconds since its start."""
    classes: Classes | None = None
    """The one controller's, where somebody else installed it; otherwise its folder says everything."""
    lacks: dict[str, str] = {}
    """What a check may need (`clusters.needs`) and this cluster, or what we may do to it, does not give → why, as a
    sentence."""
    labels: dict[str, str] = {}
    """Put on whatever we make there, so that it is found again."""
    namespaces: list[str] = []
    """Somebody else's, to be used instead of making any."""
    client_pod: bool = False
    """A pod stands in for the outside client."""
    node_pods: bool = False
    """Nodes are reached through host-network pods of ours."""
    administrator: bool = True
    """Whoever the kubeconfig is of may do everything; otherwise each check asks for the rights that it takes."""
    owned: bool = True
    """It is ours, or the user says ``--i-own-this-cluster``: it may be disturbed, and load may be sent to it."""
    pod_security: str = ""
    """The Pod Security level that the namespaces we make are told to enforce; empty: none is told."""
    pods_run_as: int = 65532
    """The user that our pods run as; 0 where the cluster chooses."""
    again: str = ""
    """Options that name this very cluster once more, for a command that can be typed again; empty: make one like it."""

    @property
    def scratch(self) -> Path:
        """Where temporary files lie that go with the cluster, should their maker be killed."""
        return self.state / "tmp"

    def of(self, family: Family) -> Cluster:
        """The cluster as it is seen in one of its families: every address and range is of it, but the DNS server's."""
        ranges = self.ranges.get(family, Ranges())
        seen = {
            role: [place.of(family) for place in places]
            for role, places in (("nodes", self.nodes), ("clients", self.clients), ("servers", self.servers))
        }
        return msgspec.structs.replace(self, families=[family], **msgspec.structs.asdict(ranges), **seen)

    def place(self, name: str) -> Place:
        """The node, client or server called ``name``; `KeyError` where there is none."""
        return {place.name: place for place in (*self.nodes, *self.clients, *self.servers)}[name]


class Provider(Protocol):
    """Makes and removes clusters. ``clusters.providers()`` lists them by name."""

    name: str
    packages: tuple[str, ...]
    """Which system packages it needs: sections of ``clusters/system_packages.toml``."""

    def unavailable(self) -> str:
        """Why this machine cannot run it, in a sentence with what to do; empty when it can."""
        ...

    def check_mode(self, mode: Mode) -> None:
        """`clusters.errors.MachineError` where the kernel lacks what kube-proxy's mode is made of."""
        ...

    def create(self, spec: ClusterSpec, progress: Progress) -> Cluster:
        """Bring a cluster up and put it on record; on any failure remove what was made and raise a
        `clusters.errors.RoadtestError`."""
        ...

    def delete(self, name: str) -> None:
        """Remove everything of the cluster, also of a half-made or killed one; nothing to remove is no error."""
        ...

    def names(self) -> list[str]:
        """Names of its clusters on this machine, also of half-made ones."""
        ...

    def processes(self, cluster: Cluster) -> dict[str, bool]:
        """Processes that came up with the cluster → whether they still run: none does after a restart of this
        machine, and a part may have died or been stopped. Empty where the provider cannot tell."""
        ...

    def entrance(self, cluster: Cluster, place: str) -> list[str]:
        """Prefix that runs a command at a place as if one had logged in there: with its network, and on a node its
        processes and mounts too. `clusters.errors.UsageError` lists the places where there is none of that name."""
        ...

    def pod_netns(self, cluster: Cluster, namespace: str, pod: str) -> str:
        """Path of a pod's network namespace where this process can enter it; empty elsewhere."""
        ...

    def restart_kube_proxy(self, cluster: Cluster, nodes: Collection[str], changes: Mapping[str, Any]) -> None:
        """End kube-proxy on these nodes and start it again, ``changes`` merged into the KubeProxyConfiguration that the
        cluster was made with; those of an earlier call are gone. Where the nodes share one configuration that becomes
        another, it is restarted on all of them. `clusters.errors.ClusterError` where that cannot be done."""

    def load_images(self, cluster: Cluster, archives: Mapping[str, Path], progress: Progress) -> None:
        """Have these images (full name → archive) in the store of every node. `clusters.errors.RoadtestError` where
        that cannot be: no node of a cluster of ours reaches a registry."""
        ...

    def node_logs(self, cluster: Cluster, node: str, component: str, lines: int) -> str:
        """The last lines that a component (``kube-proxy``, ``kubelet``, ``containerd``) wrote on a node."""
        ...
