"""The smallest ELF file that names what it loads."""

from __future__ import annotations

import struct


def elf(libraries: list[str], *, interpreter: str = "", folders: str = "") -> bytes:
    """A 64-bit program with these DT_NEEDED entries, loader and DT_RUNPATH; it cannot run."""
    texts = b"\0"
    starts: list[int] = []
    for text in [*libraries, folders, interpreter]:
        starts.append(len(texts))
        texts += text.encode() + b"\0"
    base, segments = 0x10000, 3
    names = 64 + 56 * segments
    dynamic = names + len(texts)
    entries = [(1, start) for start in starts[: len(libraries)]] + [(5, base + names)]
    if folders:
        entries.append((29, starts[len(libraries)]))
    table = b"".join(struct.pack("<qQ", *entry) for entry in [*entries, (0, 0)])
    size = dynamic + len(table)
    header = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    )

    def segment(kind: int, start: int, length: int) -> bytes:
        return struct.pack("<IIQQQQQQ", kind, 4, start, base + start, base + start, length, length, 1)

    return (
        header
        + segment(1, 0, size)
        + segment(2, dynamic, len(table))
        + (segment(3, names + starts[-1], len(interpreter) + 1) if interpreter else segment(0, 0, 0))
        + texts
        + table
    )
