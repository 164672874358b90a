"""Which libraries a program loads, read from its ELF file. https://refspecs.linuxfoundation.org/elf/elf.pdf"""

from __future__ import annotations

import struct

import msgspec

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
DYNAMIC_ENTRY = struct.Struct("<qQ")


class Needs(msgspec.Struct, frozen=True):
    """What a program or library asks of the loader."""

    interpreter: str = ""
    """The loader itself; empty for libraries and static programs."""
    libraries: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Where to look first."""


def needs(data: bytes) -> Needs:
    """Of a 64-bit little-endian ELF file; nothing for any other file."""
    if data[:6] != b"\x7fELF\x02\x01":
        return Needs()
    offset, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    segments = [PROGRAM_HEADER.unpack_from(data, offset + i * size) for i in range(count)]
    interpreter = ""
    entries: list[tuple[int, int]] = []
    for kind, _, start, _, _, length, _, _ in segments:
        if kind == PT_INTERP:
            interpreter = _text(data, start)
        if kind == PT_DYNAMIC:
            entries = list(DYNAMIC_ENTRY.iter_unpack(data[start : start + length - length % 16]))
    names = next((_in_file(segments, value) for tag, value in entries if tag == DT_STRTAB), 0)
    folders = [_text(data, names + value) for tag, value in entries if tag in {DT_RPATH, DT_RUNPATH}]
    return Needs(
        interpreter,
        tuple(_text(data, names + value) for tag, value in entries if tag == DT_NEEDED),
        tuple(one for folder in folders for one in folder.split(":")),
    )


def _in_file(segments: list[tuple[int, ...]], address: int) -> int:
    """Where in the file an address of memory comes from."""
    for kind, _, start, virtual, _, length, _, _ in segments:
        if kind == PT_LOAD and virtual <= address < virtual + length:
            return start + address - virtual
    return 0


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
