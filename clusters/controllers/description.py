"""What a controller's folder says of it: ``controller.toml``, typed.

A controller is a folder: its ``controller.toml`` (this), and what anyone could ``kubectl apply``: ``manifests/*.yaml``,
what its official Helm charts render to, or both.
What it claims is tested; what its documentation denies (``[[refusals]]``) is reported as unsupported, with the source
named there; what the folder is silent about was not looked up, and is skipped.
"""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from clusters.errors import UsageError
from clusters.provider import Channel

from . import folders
from .identity import ClientIdentity, ProxyProtocol

FETCHED = "its chart and its images come from their registries"
NOT_RUN = "no run of ours has had it yet"


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of traffic management that the controller says it does."""

    source: str
    """The controller's own documentation of it."""


class Announcement(Claim, frozen=True, kw_only=True):
    """How it is told of what an Ingress's backend speaks, beside the appProtocol of the Service's port."""

    service_annotations: dict[str, str] = msgspec.field(default_factory=dict)
    ingress_annotations: dict[str, str] = msgspec.field(default_factory=dict)


class IngressClaim(Claim, frozen=True, kw_only=True):
    """It serves Ingresses of one class."""

    class_name: str = msgspec.field(name="class")
    controller: str
    """``spec.controller`` of the IngressClass."""
    http_port: int = 80
    https_port: int = 443
    unmatched_status: int = 404
    """HTTP status where no rule matches and there is no default backend: the Ingress API leaves it open."""
    serves_without_class: bool = False
    """As its manifests start it, it also serves Ingresses that name no class where there is no default class."""
    idle_websocket_seconds: float = 0.0
    """After how long it ends a websocket on which nobody speaks, by default; 0: it does not."""
    grpc: Announcement | None = None
    """Of a backend that speaks gRPC; nothing: nobody has looked it up."""
    websocket: Announcement | None = None
    """Of a backend whose path ``/ws`` takes websockets; nothing: it need not be told."""
    websocket_timeout: Announcement | None = None
    """How long a websocket may live on which nobody speaks, ``{seconds}``; nothing: an Ingress cannot say it."""


class GatewayClaim(Claim, frozen=True, kw_only=True):
    """It serves Gateways of one class."""

    class_name: str = msgspec.field(name="class")
    controller: str
    """``spec.controllerName`` of the GatewayClass."""
    http_port: int = 80
    https_port: int = 443
    tcp_port: int = 9000
    """Of listeners for TCPRoutes: any will do where the controller opens what a Gateway asks for."""
    udp_port: int = 9001
    """Of listeners for UDPRoutes."""
    channel: Channel = "standard"
    """Of the Gateway API's definitions: experimental where it does not start without, or claims what only that has."""
    features: list[str] = []
    """Features of the Gateway API, by their names there, that its documentation claims beside those its GatewayClass
    lists in its status."""


class CanaryByIngress(Claim, frozen=True, kw_only=True):
    """It splits traffic between Ingresses by annotations."""

    class_name: str = msgspec.field(name="class")
    annotations: str
    """The annotations' prefix, for example ``nginx.ingress.kubernetes.io``."""


class CanaryClaims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it splits traffic between a stable backend and a canary; a flavour left out is not claimed."""

    ingress: CanaryByIngress | None = None
    gateway: Claim | None = None


class Admin(Claim, frozen=True, kw_only=True):
    """What it tells of itself on ports of its pods, inside the cluster; paths left out do not exist."""

    port: int
    metrics_port: int = 0
    """Of its metrics, where they are not on `port`; 0: they are."""
    proxy: str = ""
    """The container that tells it, where that is a proxy's and not the controller's own."""
    metrics: str = ""
    """Prometheus metrics: evidence when a route fails, and beside the figures of a load that it carried."""
    configuration: str = ""
    """The routing configuration that it derived from the cluster's objects: evidence when a route fails."""
    command: list[str] = []
    """What prints that configuration in a pod of its, where no path gives it: a text whose blocks are in braces."""


class Draining(Claim, frozen=True, kw_only=True):
    """A setting by which, as the documentation says, a restart loses nothing; its manifests leave it out."""

    workload: str
    """``Deployment/NAME`` or ``DaemonSet/NAME`` of the controller's namespace."""
    patch: list[dict[str, Any]]
    """What changes of it, as a JSON Patch: https://www.rfc-editor.org/rfc/rfc6902"""


class Restart(Claim, frozen=True, kw_only=True):
    """What becomes of requests while its pods are replaced one by one, installed as its manifests do."""

    lossless: bool
    """It drains: its documentation says that none is lost."""
    reason: str = ""
    """Otherwise: why some may be lost."""
    draining: Draining | None = None
    """Otherwise: how it is made to drain."""


class Chart(Claim, frozen=True, kw_only=True):
    """An official Helm chart that it is installed by: rendered, and applied as manifests are."""

    repository: str
    """``https://…`` of a repository, ``oci://…`` of a registry without the chart's name, ``component:NAME/FOLDER`` of
    a component that has it, or a folder beside this."""
    name: str
    version: str
    release: str = ""
    """What the installation is called; empty: as the controller."""
    values: dict[str, Any] = {}
    """What differs from the chart's own ``values.yaml``."""


class Refusal(Claim, frozen=True, kw_only=True):
    """A feature that the controller's documentation says it does not have."""

    feature: str
    """``gw.udp``; or ``can.*``: all of them."""
    reason: str
    flavour: str = ""
    """Where the feature can be asked for in several ways, the only one that it does not have: ``by-httproute``."""


class Deviation(Claim, frozen=True, kw_only=True):
    """A difference from the specification that is known: shown beside a failed verdict, never instead of it."""

    feature: str
    explanation: str


class ControllerDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A controller, as its folder describes it."""

    name: str
    """Also its folder's name."""
    title: str
    documentation: str
    component: str = ""
    """Its name among the components, where its version is pinned; empty where it is not one of ours."""
    image: str = ""
    """The image that its manifests run; its tag is that version. Empty where a chart names it."""
    images: list[str] = []
    """Images that no manifest names, because the controller itself starts them."""
    archives: list[str] = []
    """Files of its folder with images, as `docker save` writes them: for what no registry has."""
    definitions: list[str] = []
    """Definitions of its own kinds: ``component``, or ``component/file`` of it; they come before the manifests."""
    charts: list[Chart] = msgspec.field(name="chart", default_factory=list)
    """Applied in this order, before the manifests; everything of them goes into `namespace`."""
    verified: str = ""
    """In which version and how we ran it; empty: never, and it is listed so."""
    on_request: str = ""
    """Why the main job makes no cell for it unless it is asked for by name; empty: it does."""
    existing_only: str = ""
    """Why it cannot be installed on a cluster of ours: then it is judged on existing clusters only."""
    namespace: str = ""
    deployments: list[str] = []
    """Deployments of `namespace` that must be Available before traffic is sent."""
    daemonsets: list[str] = []
    """DaemonSets of `namespace` that must be Available, too."""
    service: str = ""
    """The LoadBalancer Service of `namespace` that traffic enters by; empty where only a Gateway has one, its own."""
    admin: Admin | None = None
    settings: dict[str, str] = {}
    """Settings that a reader of figures or verdicts must know, and why they are so."""
    ingress: IngressClaim | None = None
    gateway: GatewayClaim | None = None
    canary: CanaryClaims = CanaryClaims()
    restart: Restart | None = None
    """Left out: it says nothing of it."""
    client_identity: ClientIdentity | None = None
    proxy_protocol: ProxyProtocol | None = None
    recipes: str = ""
    """The controller whose ``recipes/`` this one is asked by, too; empty: those of its own folder."""
    refusals: list[Refusal] = []
    deviations: list[Deviation] = []

    def refusal(self, feature: str, flavour: str = "") -> Refusal | None:
        """Why the controller does not have ``feature``, or not in this way, where its documentation says so."""
        of_it = [refusal for refusal in self.refusals if fnmatchcase(feature, refusal.feature)]
        return next((refusal for refusal in of_it if refusal.flavour in {"", flavour}), None)

    def deviations_in(self, feature: str) -> list[Deviation]:
        """How the controller is known to differ in ``feature``."""
        return [deviation for deviation in self.deviations if deviation.feature == feature]


def described() -> list[str]:
    """Names of the controllers that have a description, sorted."""
    return sorted(folders.every())


def not_verified() -> dict[str, str]:
    """Our controllers that no run of ours has had → why, and what it takes to run one."""
    found = {name: describe(name) for name in described() if folders.is_own(name)}
    return {name: _why_not(one) for name, one in found.items() if not one.verified}


def _why_not(one: ControllerDescription) -> str:
    if one.existing_only:
        return f"on existing clusters only: {one.existing_only}"
    return FETCHED if one.charts else NOT_RUN


def folder_of(name: str) -> Path:
    """The folder of the controller called ``name``; `UsageError` lists the right names where there is none."""
    found = folders.every()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        raise UsageError(
            f"There is no controller called {name!r}{f'; did you mean {near[0]!r}?' if near else '.'}",
            f"Choose one of: {', '.join(sorted(found))}; or name the folder that holds it: {folders.VARIABLE}=DIR.",
        )
    return found[name]


def describe(name: str) -> ControllerDescription:
    """The controller called ``name``; `UsageError` where there is none, or its description is not right."""
    path = folder_of(name) / "controller.toml"
    try:
        described_so = msgspec.toml.decode(path.read_bytes(), type=ControllerDescription)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Every field with its meaning: clusters/controllers/description.py."
        ) from error
    if described_so.name != name:
        raise UsageError(f"{path} says the name {described_so.name!r}, and its folder another one.", "Make them one.")
    return described_so
