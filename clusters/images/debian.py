"""A small root out of Debian packages: the programs asked for, the libraries that they load, and nothing else."""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clusters.errors import ComponentError, MachineError
from clusters.progress import Progress

from .elf import Needs, needs
from .layers import Member, Tree, file, folder, link
from .recipes import DebianRoot

APT_SECONDS = 300.0
MIRROR = "http://deb.debian.org/debian"
PROGRAM_FOLDERS = ("usr/bin", "usr/sbin")
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
"""Old places → new ones. https://wiki.debian.org/UsrMerge"""
LINKS_FOLLOWED = 10


class Packages:
    """The files of packages that were not installed, in memory."""

    def __init__(self) -> None:
        self._tree: Tree = {}

    def add(self, package: bytes) -> None:
        """Take the files of a package, given as the tar inside it."""
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            for info in archive:
                path = merged(posixpath.normpath(info.name))
                if info.issym():
                    self._tree[path] = link(info.linkname)
                elif info.islnk():
                    self._tree[path] = self._tree[merged(posixpath.normpath(info.linkname))]
                elif source := archive.extractfile(info):
                    self._tree[path] = file(source.read(), 0o755 if info.mode & 0o100 else 0o644)

    def take(self, path: str, root: Tree) -> Member:
        """Copy a file into ``root``, with the links that lead to it; the file itself is returned."""
        for _ in range(LINKS_FOLLOWED):
            member = self._tree[path]
            root[path] = member
            if member.kind == "file":
                return member
            path = merged(posixpath.normpath(posixpath.join("/", posixpath.dirname(path), member.target)).lstrip("/"))
        raise ComponentError(f"{path} of Debian's packages is a link without an end.")

    def program(self, name: str) -> str:
        """Where a program is."""
        for place in PROGRAM_FOLDERS:
            if f"{place}/{name}" in self._tree:
                return f"{place}/{name}"
        raise ComponentError(f"None of Debian's packages has a program called {name}.")

    def matching(self, pattern: str) -> list[str]:
        """Paths of the files that match a pattern; there must be some."""
        if found := sorted(path for path in self._tree if fnmatch.fnmatch(path, pattern)):
            return found
        raise ComponentError(f"None of Debian's packages has a file like {pattern}.")

    def library(self, name: str, wanted_by: Needs) -> str:
        """Where the loader would find a library."""
        own = [merged(posixpath.normpath(place).lstrip("/")) for place in wanted_by.folders]
        for place in [*own, *self._library_folders()]:
            if f"{place}/{name}" in self._tree:
                return f"{place}/{name}"
        raise ComponentError(f"None of Debian's packages has the library {name}.")

    def _library_folders(self) -> Iterator[str]:
        for machine in ("x86_64-linux-gnu", "aarch64-linux-gnu"):
            yield f"usr/lib/{machine}"
        yield from ("usr/lib", "usr/lib64")


def merged(path: str) -> str:
    """A path where every Debian since 12 has it: below usr/."""
    top, _, rest = path.partition("/")
    return f"{MERGED[top]}/{rest}" if top in MERGED and rest else path


def tree(packages: Packages, wanted: DebianRoot, guests: Iterable[bytes] = ()) -> Tree:
    """Programs with everything that they load, under every name that they are wanted by; what ``guests`` load, too.

    Guests are programs of the image that no package has.
    """
    root: Tree = {old: link(new) for old, new in MERGED.items()}
    root |= {new: folder() for new in MERGED.values()}
    queue = [packages.program(name) for name in wanted.programs]
    queue += [path for pattern in wanted.plugins for path in packages.matching(pattern)]
    queue += [path for data in guests for path in loaded(packages, data)]
    done: set[str] = set()
    while queue:
        path = queue.pop()
        if path in done:
            continue
        done.add(path)
        member = packages.take(path, root)
        assert isinstance(member.data, bytes)
        queue += loaded(packages, member.data)
    for name, program in {**dict.fromkeys(wanted.applets, "busybox"), **wanted.links}.items():
        target = packages.program(program)
        root.setdefault(f"usr/bin/{name}", link(posixpath.relpath(target, "usr/bin")))
    return root


def loaded(packages: Packages, data: bytes) -> list[str]:
    """Where the loader of a program, and the libraries that it loads at once, are."""
    wants = needs(data)
    found = [packages.library(name, wants) for name in wants.libraries]
    return [merged(wants.interpreter.lstrip("/")), *found] if wants.interpreter else found


def fetch(names: Sequence[str], place: Path, progress: Progress, suite: str = "") -> Packages:
    """Download packages and all that they depend on, and read them; nothing is installed."""
    packages = Packages()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for data in pool.map(files_of, download(names, place, progress, suite)):
            packages.add(data)
    return packages


def download(names: Sequence[str], place: Path, progress: Progress, suite: str = "") -> list[Path]:
    """The files of packages and of all that they depend on, checked by apt's own signatures; nothing is installed.

    They are the releases that this machine's apt knows, or those of another suite of Debian (``forky``).
    """
    apt = shutil.which("apt-get")
    if not apt or not shutil.which("dpkg-deb"):
        raise MachineError(
            f"Debian's packages {', '.join(names)} cannot be had here: there is no apt-get.",
            "Use Debian or Ubuntu, or a machine that reaches the image registries.",
        )
    archives = place / "archives"
    (archives / "partial").mkdir(parents=True)
    status = place / "status"
    status.touch()
    # With an empty list of installed packages every dependency is missing, so every dependency comes.
    options = {
        "Dir::State::status": status,
        "Dir::Cache::archives": f"{archives}/",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Retries": "3",
    }
    if suite:
        sources = place / "sources.list"
        sources.write_text(f"deb {mirror()} {suite} main\n", encoding="ascii")
        options |= {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "-"}
    own_lists = {"Dir::State::lists": f"{place / 'lists'}/", "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": ""}
    install = ["install", "-y", "--no-install-recommends", "--download-only", *names]
    with progress.task(f"Debian packages {', '.join(names)}") as task:
        done = None if suite else _apt(apt, options, install)
        if done is None or done.returncode:
            # No package lists (a fresh container), or old ones that name versions which are gone.
            task.note("updating the list of packages")
            (place / "lists" / "partial").mkdir(parents=True)
            _apt(apt, options | own_lists, ["update"])
            done = _apt(apt, options | own_lists, install)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
        raise ComponentError(
            f"apt could not fetch {', '.join(names)}: {' '.join(lines)}",
            "Let apt reach its mirror (apt-get update tells), then run again.",
        )
    return sorted(archives.glob("*.deb"))


def mirror() -> str:
    """The mirror that this machine's apt uses for Debian itself; elsewhere Debian's own."""
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    except OSError:
        return MIRROR
    words = (line.split() for line in said.splitlines())
    # Suites with a hyphen are those of updates and of security, which may be elsewhere.
    return next((w[2] for w in words if len(w) == 3 and w[0] == "Debian" and "-" not in w[1]), MIRROR)


def _apt(apt: str, options: dict[str, object], words: list[str]) -> subprocess.CompletedProcess[str]:
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    try:
        return subprocess.run(
            [apt, "-q", *settings, *words],
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 1, "", f"E: not done within {APT_SECONDS:.0f} s")


def files_of(package: Path) -> bytes:
    """The tar of a package's files."""
    try:
        return subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise ComponentError(f"{package.name} cannot be unpacked: {error.stderr.decode().strip()}.") from error
