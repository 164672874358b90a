"""Tar streams with the same bytes every time: sorted, without times, owned by root where nothing else is said."""

from __future__ import annotations

import functools
import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

BIND = b"\x01\0\0\x02\0\x04".ljust(20, b"\0").decode("ascii")
"""A file capability: cap_net_bind_service (bit 10), permitted and effective, as the kernel stores it (revision 2).
https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h
"""
CHUNK = 1 << 20
END = b"\0" * (2 * tarfile.BLOCKSIZE)
Kind = Literal["file", "link", "folder"]
_TYPES: dict[Kind, bytes] = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "folder": tarfile.DIRTYPE}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file, symbolic link or folder of a tree."""

    kind: Kind = "file"
    mode: int = 0o644
    data: bytes | Path = b""
    """A file's bytes, or the file that has them."""
    target: str = ""
    """Where a link points."""
    owner: tuple[int, int] = (0, 0)
    """User and group."""
    binds: bool = False
    """Whether this program may listen on ports below 1024 when a user other than root runs it."""


Tree = dict[str, Member]
"""Path without a leading slash → member."""


def file(data: bytes | Path, mode: int = 0o644) -> Member:
    return Member(data=data, mode=mode)


def program(path: Path) -> Member:
    return Member(data=path, mode=0o755)


def link(target: str) -> Member:
    return Member(kind="link", target=target, mode=0o777)


def folder(mode: int = 0o755) -> Member:
    return Member(kind="folder", mode=mode)


def size(member: Member) -> int:
    if member.kind != "file":
        return 0
    return member.data.stat().st_size if isinstance(member.data, Path) else len(member.data)


class TarStream:
    """A tree as a tar. Nothing is written to learn its checksum: the same bytes come every time it is read."""

    def __init__(self, tree: Tree) -> None:
        self._tree = with_parents(tree)

    def chunks(self) -> Iterator[bytes]:
        for path, member in sorted(self._tree.items()):
            yield header(path, member, size(member))
            if member.kind == "file":
                yield from contents(member)
                yield padding(size(member))
        yield END

    def measure(self) -> tuple[str, int]:
        """Checksum and size."""
        return self._measured

    @functools.cached_property
    def _measured(self) -> tuple[str, int]:
        digest = hashlib.sha256()
        length = 0
        for chunk in self.chunks():
            digest.update(chunk)
            length += len(chunk)
        return digest.hexdigest(), length


def with_parents(tree: Tree) -> Tree:
    """A tree with every folder that its members are in."""
    folders = {str(parent) for path in tree for parent in Path(path).parents if str(parent) != "."}
    return {path: folder() for path in folders if path not in tree} | tree


def header(path: str, member: Member, length: int) -> bytes:
    info = tarfile.TarInfo(path + "/" if member.kind == "folder" else path)
    info.type = _TYPES[member.kind]
    info.mode = member.mode
    info.size = length
    info.linkname = member.target
    info.uid, info.gid = member.owner
    if member.binds:
        info.pax_headers = {"SCHILY.xattr.security.capability": BIND}
    return info.tobuf(tarfile.PAX_FORMAT)


def padding(length: int) -> bytes:
    """What fills a file's last block."""
    return b"\0" * (-length % tarfile.BLOCKSIZE)


def contents(member: Member) -> Iterator[bytes]:
    """A file's bytes."""
    if isinstance(member.data, bytes):
        yield member.data
        return
    with member.data.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk
