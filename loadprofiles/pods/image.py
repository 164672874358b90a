"""The image of a grid's pods: this very Python, the libraries that the engine needs, and our code, as an archive.

A worker must run the same engine as its master, and should run it on the same interpreter; so the image is not built
from a recipe but copied from the environment that runs the master. Nothing is downloaded, and the same environment
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from clusters.components.catalogue import architecture
from clusters.errors import MachineError
from clusters.images import archive
from clusters.images.elf import Needs, needs
from clusters.images.layers import TarStream, Tree, file, link, program
from clusters.images.making import ROOT_FILES

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = "roadtest.invalid/load-worker"
"""A registry that cannot exist (RFC 2606): the image is only ever brought, never pulled."""
LIBRARIES = ("hdrhistogram", "locust", "msgspec", "numpy", "platformdirs", "pyyaml", "rich")
"""What a worker imports of the locked requirements; what these need comes with them."""
CODE = ("clusters", "fixtures", "loadprofiles", "reports")
CODE_FILES = {".json", ".py", ".toml", ".yaml"}
PYTHON, PACKAGES, OURS = "opt/python", "opt/packages", "opt/roadtest"
LEFT_OUT = {
    *("__pycache__", "dist-packages", "ensurepip", "go", "idlelib", "lib2to3", "site-packages", "test", "tests"),
    *("tkinter", "turtledemo"),
}
"""Folders that a worker has no use for."""
SETTINGS: archive.Json = {
    "Entrypoint": [f"/{PYTHON}/bin/python3", "-m", "loadprofiles"],
    "Env": [
        f"PATH=/{PYTHON}/bin",
        f"PYTHONHOME=/{PYTHON}",
        f"PYTHONPATH=/{OURS}:/{PACKAGES}",
        "PYTHONUNBUFFERED=1",
        f"LD_LIBRARY_PATH=/{PYTHON}/lib",
    ],
    "WorkingDir": "/tmp",  # noqa: S108 - the container's own
}


def write(folder: Path) -> tuple[str, Path]:
    """Write the archive into a folder; the image's name, whose tag changes with anything in it, and the file."""
    layers = [TarStream(tree) for tree in (python(), packages(), code())]
    digest = hashlib.sha256("".join(layer.measure()[0] for layer in layers).encode())
    name = f"{REPOSITORY}:{digest.hexdigest()[:12]}"
    target = folder / "load-worker.tar"
    archive.build(target, name, architecture(), layers, SETTINGS)
    return name, target


def python() -> Tree:
    """The interpreter, its standard library, and the system's libraries that it and the packages load."""
    interpreter = Path(sys.executable).resolve()
    standard = Path(sysconfig.get_path("stdlib"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    tree: Tree = dict(ROOT_FILES)
    tree[f"{PYTHON}/bin/{version}"] = program(interpreter)
    tree[f"{PYTHON}/bin/python3"] = link(version)
    extensions = [path for path in files_below(standard) if not path.name.startswith(("_test", "_tkinter"))]
    tree |= {f"{PYTHON}/lib/{version}/{path.relative_to(standard)}": file(path) for path in extensions}
    brought = [member.data for member in packages().values() if isinstance(member.data, Path)]
    return tree | system_libraries([interpreter, *extensions, *brought], interpreter)


def packages() -> Tree:
    """The libraries, each file where its wheel put it."""
    tree: Tree = {}
    for distribution in distributions(LIBRARIES):
        for entry in distribution.files or []:
            path = Path(str(distribution.locate_file(entry)))
            if not LEFT_OUT & set(entry.parts) and ".." not in entry.parts and path.is_file():
                tree[f"{PACKAGES}/{entry}"] = file(path)
    return tree


def distributions(names: Iterable[str]) -> list[metadata.Distribution]:
    """Installed distributions of these names, with all that they require and that is installed here."""
    found: dict[str, metadata.Distribution] = {}
    queue = list(names)
    while queue:
        name = queue.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another system or Python
            continue
        wanted = [requirement for requirement in found[key].requires or [] if "extra ==" not in requirement]
        queue += [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in wanted]
    return [found[key] for key in sorted(found)]


def code() -> Tree:
    """Ours."""
    return {
        f"{OURS}/{path.relative_to(ROOT)}": file(path)
        for top in CODE
        for path in files_below(ROOT / top)
        if path.suffix in CODE_FILES
    }


def files_below(folder: Path) -> Iterator[Path]:
    """Files of a folder and of those in it that a worker has use for."""
    for path in sorted(folder.iterdir()):
        if path.name in LEFT_OUT or path.suffix == ".a":
            continue
        if path.is_dir():
            yield from files_below(path)
        else:
            yield path


def system_libraries(files: list[Path], interpreter: Path) -> Tree:
    """Libraries of this machine that these load, the loader among them; those that lie among ``files`` stay there."""
    known = machine_s_libraries()
    tree: Tree = {}
    brought = {path.name for path in files}
    queue = [path for path in files if ".so" in path.name or path == interpreter]
    while queue:
        path = queue.pop()
        wants = needs(path.read_bytes())
        if wants.interpreter:
            tree[wants.interpreter.lstrip("/")] = program(Path(wants.interpreter).resolve())
        for name in wants.libraries:
            if name in brought:
                continue
            brought.add(name)
            if found := library(name, wants, known):
                tree[f"{PYTHON}/lib/{name}"] = program(found)
                queue.append(found)
    return tree


def library(name: str, wanted_by: Needs, known: dict[str, Path]) -> Path | None:
    """Where the loader finds it here; ``None`` for what is missing here too, as an optional module's library may be."""
    for folder in (*wanted_by.folders, f"{sys.base_prefix}/lib"):
        if (path := Path(folder, name)).is_file():
            return path.resolve()
    return known[name].resolve() if name in known else None


def machine_s_libraries() -> dict[str, Path]:
    """Name → path, as the loader's cache has it."""
    try:
        told = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise MachineError(
            f"This machine's libraries cannot be listed ({error}).", "It needs glibc's ldconfig."
        ) from None
    found: dict[str, Path] = {}
    for name, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", told, re.MULTILINE):
        found.setdefault(name, Path(path))  # the first is the one that the loader takes
    return found
