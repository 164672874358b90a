"""The node image of a kind cluster: kind's own where a registry gives it, else one that is built here.

The one built here holds every image that all clusters of ours use, so that a new one loads only its controller's. Its
name ends in a digest of all that it is made from.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from clusters import components, images, paths, system_packages
from clusters.components.catalogue import Catalogue, catalogue, recipe_digest
from clusters.components.store import disk_errors
from clusters.embedded import machine
from clusters.errors import ClusterError, ComponentError, MachineError
from clusters.images.finding import Finder
from clusters.images.recipes import Image, digest, of_every_cluster, read, together
from clusters.progress import Progress

from . import archives, base_image
from .engine import Engine, run

RECIPES = Path(__file__).with_name("recipes.toml")
REPOSITORY = "roadtest/node"
BASE_REPOSITORY = "roadtest/node-base"
REGISTRY = "https://registry-1.docker.io"
OFFICIAL = "docker.io/kindest/node"
FORM = "1"
"""Part of the digest: raise it when node images are made in another way."""
COMMAND = "./noxw -s node-image"
BUILD_SECONDS = 600.0
PULL_SECONDS = 1800.0
LOAD_SECONDS = 300.0
FREE_BYTES = 6_000_000_000
"""Room that a build takes for a while, in the cache and in the engine's own folder."""
ROOM = "Make room: docker system df tells what the engine's images take; ROADTEST_CACHE names another cache."
BINARIES = ("kubeadm", "kubelet", "kubectl")
ARCHIVES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
"""The images that a Kubernetes release holds as archives; whatever else is needed goes into the last."""
PLACEHOLDER = re.compile(r"docker\.io/kindest/(?:kindnetd|local-path-\w+):[\w.-]+")
"""kind's pod network and storage have no Go module: their names get an image that only waits."""


class NodeImage(msgspec.Struct, frozen=True, kw_only=True):
    """A node image that the engine has."""

    name: str
    own: bool
    """Built here: with the images of every cluster in it, and without kind's own pod network and storage."""


def version(pins: Catalogue | None = None) -> str:
    """Of Kubernetes: ``v1.36.3``."""
    return f"v{(pins or catalogue()).components['kubelet'].version}"


def official() -> str:
    """kind's own image of our version of Kubernetes."""
    return f"{OFFICIAL}:{version()}"


def own() -> str:
    """The name of the image that would be built here now."""
    return f"{REPOSITORY}:{version()}-{_digest(node_images(), catalogue())}"


def node_images() -> dict[str, Image]:
    """Official name → image, of those that only a node image needs."""
    return together(read(RECIPES), catalogue().node_images)


def _digest(extra: Mapping[str, Image], pins: Catalogue) -> str:
    made_from = hashlib.sha256(f"{FORM}\0{base_digest(pins)}\0".encode())
    for image in sorted({**extra, **of_every_cluster()}.values(), key=lambda image: image.name):
        made_from.update(f"{image.name}\0{digest(image, pins)}\0".encode())
    for name in ("kind", "kind-defaults", *BINARIES):
        made_from.update(recipe_digest(pins.components[name], pins).encode())
    return made_from.hexdigest()[:12]


def base_digest(pins: Catalogue) -> str:
    """Changes with anything that a base image is made from."""
    made_from = hashlib.sha256(Path(base_image.__file__).read_bytes())
    for name in ("kind-base", "cni-plugins", *base_image.BINARIES):
        made_from.update(recipe_digest(pins.components[name], pins).encode())
    return made_from.hexdigest()[:12]


def at_hand(engine: Engine) -> NodeImage | None:
    """A node image that the engine has: one built here, as it would be built now, or kind's own."""
    for name, ours in ((own(), True), (official(), False)):
        if engine.inspect("image", name):
            return NodeImage(name=name, own=ours)
    return None


def can_be_had(engine: Engine) -> bool:
    """Whether the engine has a node image, or its registry answers this machine."""
    if at_hand(engine):
        return True
    if engine.ours:  # without a way out
        return False
    from clusters.components.web import Web  # noqa: PLC0415 - its library takes a while, and is needed only here

    with Web() as web:
        web.probe([REGISTRY])
        return web.answers(REGISTRY)


def ensure(engine: Engine, progress: Progress) -> NodeImage:
    """A node image, pulled if it is not there; `MachineError` where no registry gives it."""
    if found := at_hand(engine):
        return found
    try:
        with progress.task(f"pulling {official()}"):
            engine.run("pull", "--quiet", official(), seconds=PULL_SECONDS)
    except ClusterError as error:
        raise MachineError(
            f"The Docker engine has no node image, and could not pull {official()}: {error.cause.strip().rstrip('.')}.",
            f"Build one from the components: {COMMAND}",
        ) from error
    return NodeImage(name=official(), own=False)


def build(engine: Engine, progress: Progress, *, again: bool = False) -> NodeImage:
    """Build the node image from the components with kind's own `kind build node-image`; ``again`` where it is there.

    `MachineError` for what this machine lacks, `ComponentError` or `ClusterError` where something cannot be made.
    """
    name = own()
    if not again and engine.inspect("image", name):
        return NodeImage(name=name, own=True)
    system_packages.ensure(progress, system_packages.packages_of_programs("node-image"))
    scratch = paths.cache_folder() / "node-image"
    with disk_errors(scratch):
        check_disk(engine, scratch)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            _build(engine, progress, name, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    forget(engine, keep={name, _base_name()})
    return NodeImage(name=name, own=True)


def check_disk(engine: Engine, scratch: Path) -> None:
    """Raise where the disk of the cache, or of an engine on this machine, is too full."""
    data = engine.root / str(engine.info().get("DockerRootDir", "/")).lstrip("/")
    for folder in (scratch, data):
        machine.check_disk(folder, FREE_BYTES, "building a node image", ROOM)


def _base_name() -> str:
    return f"{BASE_REPOSITORY}:{base_digest(catalogue())}"


def _build(engine: Engine, progress: Progress, name: str, scratch: Path) -> None:
    programs = components.resolve(
        [*("kind", "kind-base", "kind-defaults"), *BINARIES, *base_image.BINARIES, *base_image.PLUGINS], progress
    )
    if not engine.inspect("image", _base_name()):
        with progress.task(f"base image (Debian {base_image.SUITE} and kind's files)"):
            archive = scratch / "base.tar"
            base_image.make(archive, _base_name(), programs, scratch)
            engine.run("load", "--quiet", "--input", str(archive), seconds=LOAD_SECONDS)
            archive.unlink()
    with progress.task("images of the node"):
        release = _release(programs, scratch, progress)
    with progress.task("kind build node-image"):
        command = [str(programs["kind"]), "build", "node-image", "--type", "file", str(release)]
        command += ["--base-image", _base_name(), "--image", name]
        run(command, engine, seconds=BUILD_SECONDS, log=scratch / "kind.log")


def _release(programs: Mapping[str, Path], scratch: Path, progress: Progress) -> Path:
    """A Kubernetes release as `kind build node-image --type file` takes it."""
    server = scratch / "kubernetes/server/bin"
    server.mkdir(parents=True)
    (scratch / "kubernetes/version").write_text(version())
    for name in BINARIES:
        shutil.copyfile(programs[name], server / name)
    extra, every = node_images(), {**node_images(), **of_every_cluster()}
    finder = Finder(paths.cache_folder())
    found = images.resolve_with(finder, list(every.values()), progress)
    names = names_of(found, required(programs))
    first = {extra_image.key: found[extra_image.name] for extra_image in extra.values()}
    last = ARCHIVES[-1]
    for name in ARCHIVES[:-1]:
        archives.combine(server / f"{name}.tar", {first[name]: names.pop(first[name])})
    archives.combine(server / f"{last}.tar", names)
    release = scratch / "kubernetes-server.tar.gz"
    with gzip.open(release, "wb", compresslevel=0) as packed, tarfile.open(fileobj=packed, mode="w|") as made:
        made.add(scratch / "kubernetes", "kubernetes")
    shutil.rmtree(scratch / "kubernetes")
    return release


def names_of(found: Mapping[str, Path], wanted: Iterable[str]) -> dict[Path, list[str]]:
    """Archive → every name that its image has in the node: its own, and that by which kubeadm or kind asks for it."""
    names = {path: [name] for name, path in found.items()}
    known = {repository(name): path for name, path in found.items()}
    pause = known["registry.k8s.io/pause"]
    for name in wanted:
        path = pause if PLACEHOLDER.fullmatch(name) else known.get(repository(name))
        if path is None:
            raise ComponentError(f"No image here can stand for {name}, which a node image needs.", "Pin another kind.")
        if name not in names[path]:
            names[path].append(name)
    return names


def repository(name: str) -> str:
    return name.rpartition(":")[0]


def required(programs: Mapping[str, Path]) -> list[str]:
    """The images that kubeadm starts, that containerd starts for every pod, and that kind adds."""
    command = [str(programs["kubeadm"]), "config", "images", "list", "--kubernetes-version", version(), "-o", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["images"]
    containerd = (programs["kind-base"] / "etc/containerd/config.toml").read_text(encoding="utf-8")
    pauses = re.findall(r'sandbox_image = "([^"]+)"', containerd)
    sources = sorted(programs["kind-defaults"].glob("const_*.go"))
    defaults = "".join(path.read_text(encoding="utf-8") for path in sources)
    return [*dict.fromkeys([*listed, *pauses, *PLACEHOLDER.findall(defaults)])]


def forget(engine: Engine, keep: Iterable[str]) -> None:
    """Let go of node images of ours that are out of date; one in use stays."""
    for repository_name in (REPOSITORY, BASE_REPOSITORY):
        listed = engine.run("images", "--format", "{{.Repository}}:{{.Tag}}", repository_name).split()
        for name in set(listed) - set(keep):
            try:
                engine.run("rmi", name)
            except ClusterError:
                continue
