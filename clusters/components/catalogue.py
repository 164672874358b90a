"""What versions.toml pins, as values."""

from __future__ import annotations

import functools
import hashlib
import platform
from pathlib import Path

import msgspec

from clusters.errors import MachineError, UsageError

FILE = Path(__file__).with_name("versions.toml")
MODULES = Path(__file__).with_name("go")
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One binary of a component."""

    member: str = ""
    """Its path in the release's archive; empty where the release is the binary itself."""
    package: str = ""
    """The Go package that it is built from."""
    built_as: str = ""
    """What `go build` calls it, where that is not its own name."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A folder of a Go module's sources that is used as it is."""

    path: str
    folder: str
    every_file: bool = False
    """Whether all of it is used, and not only its manifests."""


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a cluster, in the one version that is used."""

    version: str
    ask: list[str] = []
    """Arguments that make the program on PATH tell its version; without them it is not looked for there."""
    static: bool = False
    """Whether it goes into images, where it finds no libraries."""
    tool: bool = False
    """Whether it is had only on demand: it makes the others, or serves one provider or controller."""
    release: str = ""
    module: str = ""
    wheel: str = ""
    programs: dict[str, Program] = {}
    source: Source | None = None
    tree: str = ""
    """Folder of the archive that is the component, where it is not made of single programs."""


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An official download and where its project publishes the checksum."""

    url: str
    checksums: str


class Module(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a folder of go/ is built."""

    tags: list[str] = []
    set: list[str] = []
    """Variables that the linker sets, ``import/path.Name=value``."""


class WheelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file: str
    sha256: str


class Wheel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a project publishes on PyPI."""

    version: str
    amd64: WheelFile | None = None
    arm64: WheelFile | None = None

    def for_machine(self, arch: str) -> WheelFile | None:
        return {"amd64": self.amd64, "arm64": self.arm64}[arch]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that versions.toml pins."""

    components: dict[str, Component] = msgspec.field(name="component")
    releases: dict[str, Release] = msgspec.field(name="release", default_factory=dict)
    modules: dict[str, Module] = msgspec.field(name="module", default_factory=dict)
    wheels: dict[str, Wheel] = msgspec.field(name="wheel", default_factory=dict)
    images: dict[str, str] = {}
    """What every cluster has."""
    controller_images: dict[str, str] = msgspec.field(name="controller-images", default_factory=dict)
    """What only clusters with a controller that runs it have."""
    addon_images: dict[str, str] = msgspec.field(name="addon-images", default_factory=dict)
    """What a cluster is given while it runs, when a check asks for the add-on."""
    node_images: dict[str, str] = msgspec.field(name="node-images", default_factory=dict)
    """What a kind node image holds besides; had only for it."""
    upstream_images: dict[str, dict[str, str]] = msgspec.field(name="upstream-images", default_factory=dict)
    """What Kubernetes' own tests put on a cluster; had only for them."""
    controllers: dict[str, str] = {}

    def holder(self, name: str) -> str:
        """The component that ``name`` is, or is a program of; `UsageError` listing the right names."""
        if name in self.components:
            return name
        for holder, component in self.components.items():
            if name in component.programs:
                return holder
        raise UsageError(f"There is no component called {name!r}.", f"Components: {', '.join(self.names(tools=True))}.")

    def names(self, *, tools: bool = False) -> list[str]:
        """Every component; those that only make others on demand."""
        return [name for name, component in self.components.items() if tools or not component.tool]


@functools.cache
def catalogue() -> Catalogue:
    return read(FILE)


def read(path: Path) -> Catalogue:
    return msgspec.toml.decode(path.read_bytes(), type=Catalogue)


def architecture() -> str:
    """``amd64`` or ``arm64``, as Go and every release call them."""
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        raise MachineError(f"No component is published for {machine} processors.", "Use an amd64 or arm64 machine.")
    return ARCHITECTURES[machine]


def recipe_digest(component: Component, every: Catalogue, modules: Path = MODULES) -> str:
    """Changes with anything that a component is made from: its pins, and what `go build` would read."""
    digest = hashlib.sha256(architecture().encode())
    digest.update(msgspec.json.encode(component, order="sorted"))
    if component.module:
        digest.update(msgspec.json.encode(every.modules[component.module], order="sorted"))
        for name, text in _module_files(modules / component.module):
            digest.update(f"\0{name}\0".encode() + text)
    return digest.hexdigest()[:12]


@functools.cache
def _module_files(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file()]
