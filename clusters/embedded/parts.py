"""The binaries and images that a cluster is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clusters import components, images, paths

from . import golden_store

BINARIES = [
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
    *("containerd", "containerd-shim-runc-v2", "ctr", "ptp", "host-local", "portmap", "loopback"),
]
CRDS = ["gateway-api-crds", "metallb-crds"]
IMAGES = {
    "agnhost": "registry.k8s.io/e2e-test-images/agnhost:2.63.0",
    "pause": "registry.k8s.io/pause:3.10.1",
    "coredns": "registry.k8s.io/coredns/coredns:v1.15.0",
    "metallb-controller": "quay.io/metallb/controller:v0.15.2",
    "metallb-speaker": "quay.io/metallb/speaker:v0.15.2",
    "echo-basic": "registry.k8s.io/gateway-api/echo-basic:v1.6.3",
    "traefik": "docker.io/library/traefik:v3.7.15",
}


class Parts:
    """Where every part is on this machine."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._files: dict[str, Path] = components.resolve([*BINARIES, *CRDS], None)
        self._archives: dict[str, Path] = images.resolve(list(IMAGES.values()), None)
        self._say = say

    def __getitem__(self, name: str) -> Path:
        return self._files[name]

    def crds(self) -> dict[str, Path]:
        return {name: self._files[name] for name in CRDS}

    def image(self, name: str) -> str:
        return IMAGES[name]

    @property
    def pause_image(self) -> str:
        return IMAGES["pause"]

    def image_store(self) -> Path:
        return golden_store.prepare(
            self._archives,
            containerd=self["containerd"],
            ctr=self["ctr"],
            cache=paths.cache_folder(),
            say=self._say,
        )
