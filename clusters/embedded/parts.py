"""The binaries and images that a cluster is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from clusters import components, controllers, images, paths
from clusters.components.catalogue import catalogue
from clusters.images import outside
from clusters.progress import Progress

from . import golden_store

BINARIES = [
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
    *("containerd", "containerd-shim-runc-v2", "ctr"),
]
PLUGINS = ["ptp", "host-local", "portmap", "loopback"]
DEFINITIONS = ["gateway-api-crds", "metallb-crds"]


class Parts:
    """Where every part is on this machine; fetched or built where it is not there yet."""

    def __init__(self, progress: Progress, controller_names: Sequence[str]) -> None:
        self._progress = progress
        self._images = catalogue().images
        own = controllers.components_of(controller_names)
        self._files: dict[str, Path] = components.resolve([*BINARIES, *PLUGINS, *DEFINITIONS, *own], progress)
        needed = controllers.needed(controller_names)
        self._archives: dict[str, Path] = images.resolve([*self._images.values(), *needed.ours], progress)
        self._archives |= {**needed.archives, **outside.pull(needed.names, paths.cache_folder(), progress)}

    def __getitem__(self, name: str) -> Path:
        return self._files[name]

    @property
    def plugin_folders(self) -> list[Path]:
        """Where the pod network's plugins are."""
        return list(dict.fromkeys(self._files[name].parent for name in PLUGINS))

    def image(self, name: str) -> str:
        """An image's full name, by its short one."""
        return self._images[name]

    def image_store(self, check: Callable[[], None]) -> Path:
        """containerd's store with these images in it, made if the cache does not have it.

        ``check`` is called while it is made, and may raise.
        """
        return golden_store.prepare(
            self._archives,
            containerd=self["containerd"],
            ctr=self["ctr"],
            cache=paths.cache_folder(),
            progress=self._progress,
            check=check,
        )


def versions() -> dict[str, str]:
    """Component of every cluster → version, as pinned."""
    every = catalogue()
    return {name: component.version for name, component in every.components.items() if not component.tool}
