"""How foreign text and figures are written for people: nothing invisible, nothing endless, three digits that matter."""

from __future__ import annotations

import hashlib
import math
import re

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Colours and cursor movements of terminals, which logs are full of."""
_UNSEEN = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
_UNSEEN |= {0x7F: 0x2421, 0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
_UNSEEN |= dict.fromkeys(
    (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)), 0xFFFD
)
THIN = "\N{NARROW NO-BREAK SPACE}"


def printable(text: str) -> str:
    """The text with control characters made visible, so that it shows what came and breaks neither XML nor a page."""
    return _ESCAPES.sub("", text).replace("\r\n", "\n").translate(_UNSEEN)


def shorten(text: str, limit: int) -> str:
    """At most about ``limit`` characters, beginning and end kept, and the cut told."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 2 // 3], text[-(limit // 3) :]
    return f"{head}\n… {len(text) - len(head) - len(tail)} characters left out …\n{tail}"


def first_line(text: str, limit: int = 200) -> str:
    """What fits into an attribute or a table cell."""
    line = next((line.strip() for line in printable(text).splitlines() if line.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def digits(value: float) -> str:
    """Three significant digits, thousands apart: ``12 300``, ``4.56``, ``0.0789``."""
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        return f"{value:,.0f}".replace(",", THIN)
    whole = math.floor(math.log10(abs(value))) + 1
    return f"{value:.{max(0, 3 - whole)}f}"


def plain(value: float) -> str:
    """A figure as it was counted or computed: ``500``, ``0.001``, ``1.2e-09``."""
    return count(int(value)) if value == int(value) else f"{value:.4g}"


def count(value: int) -> str:
    """A whole number, thousands apart."""
    return f"{value:,}".replace(",", THIN)


def duration(seconds: float) -> str:
    """A duration in the unit that reads best: ``84 µs``, ``1.42 ms``, ``3.10 s``, ``4 min 05 s``."""
    if seconds >= 120:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{digits(seconds * factor)} {unit}"
    return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"


def plural(number: int, noun: str) -> str:
    """``1 check``, ``2 checks``."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def listed(words: list[str], limit: int = 12) -> str:
    """``a``, ``a and b``, ``a, b and 5 more`` where there are more than anybody reads."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def anchor(kind: str, *words: str) -> str:
    """A page address that stays the same when the page is drawn again."""
    return f"{kind}-{hashlib.sha256(chr(0).join(words).encode()).hexdigest()[:10]}"
