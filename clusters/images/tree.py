"""A root file system as a value, and the layer that it becomes: sorted, without times, the same bytes every time."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

MERGED = ("bin", "lib", "lib64", "sbin")
"""Folders that are links into /usr: https://wiki.debian.org/UsrMerge"""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A file, a folder or a symbolic link."""

    content: bytes | Path | None = None
    link: str = ""
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)

    @property
    def is_folder(self) -> bool:
        return self.content is None and not self.link


class Tree:
    """Paths (without a leading slash) → nodes; later additions replace earlier ones."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._merged = False

    def merge_usr(self) -> None:
        """From here on /bin, /lib, /lib64 and /sbin are links into /usr, as in every Debian of today."""
        self._merged = True
        for name in MERGED:
            self.nodes[name] = Node(link=f"usr/{name}", mode=0o777)
            self.nodes[f"usr/{name}"] = Node()

    def add(self, path: str, node: Node) -> None:
        path = self.placed(path)
        if not path or (node.is_folder and path in self.nodes):
            return
        folder = path.rpartition("/")[0]
        if folder and folder not in self.nodes:
            self.add(folder, Node())
        self.nodes[path] = node

    def placed(self, path: str) -> str:
        """Where a path ends up."""
        path = path.removeprefix(".").strip("/")
        if ".." in path.split("/"):
            raise ValueError(f"a path that leaves the image: {path}")
        if self._merged and path.split("/")[0] in MERGED:
            return f"usr/{path}" if "/" in path else ""
        return path

    def add_tar(self, stream: BinaryIO, wanted: Callable[[str], bool]) -> None:
        """Add what a tar holds, but for what is not wanted."""
        hard_links: list[tuple[str, str]] = []
        with tarfile.open(fileobj=stream, mode="r|*") as tar:
            for info in tar:
                path = info.name.removeprefix(".").strip("/")
                if not wanted(path):
                    continue
                owner = (info.uid, info.gid)
                if info.isdir():
                    self.add(path, Node(mode=info.mode & 0o7777, owner=owner))
                elif info.issym():
                    self.add(path, Node(link=info.linkname, mode=0o777, owner=owner))
                elif info.islnk():
                    hard_links.append((path, info.linkname))
                elif info.isfile():
                    source = tar.extractfile(info)
                    assert source
                    self.add(path, Node(content=source.read(), mode=info.mode & 0o7777, owner=owner))
        for path, target in hard_links:
            self.add(path, self.nodes[self.placed(target)])

    def write(self, target: Path) -> None:
        """Write the layer."""
        with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path, node in sorted(self.nodes.items()):
                info = tarfile.TarInfo(path)
                info.mode = node.mode
                info.uid, info.gid = node.owner
                if node.link:
                    info.type, info.linkname = tarfile.SYMTYPE, node.link
                    tar.addfile(info)
                elif node.content is None:
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                elif isinstance(node.content, bytes):
                    info.size = len(node.content)
                    tar.addfile(info, io.BytesIO(node.content))
                else:
                    with node.content.open("rb") as source:
                        info.size = node.content.stat().st_size
                        tar.addfile(info, source)
