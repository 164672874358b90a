"""Evidence files as a page shows them: bounded, printable, never from outside of the run's folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reports.model import Evidence
from reports.text import first_line, plural, printable

FILE_BYTES = 24 * 1024
"""What a page shows of one file: its beginning and its end."""
PAGE_BYTES = 1536 * 1024
"""What a page shows of all files together; later ones are only linked."""


@dataclass(frozen=True)
class EvidenceView:
    """One evidence file."""

    title: str
    href: str
    """Relative to the page; empty where there is nothing to link to."""
    text: str
    remark: str
    """Why the text is not there or not whole; empty where it is."""


class EvidenceReader:
    """Reads evidence for one page, within the page's bounds."""

    def __init__(self, page_folder: Path) -> None:
        self._folder = page_folder
        self._left = PAGE_BYTES

    def view(self, run: Path, evidence: Evidence) -> EvidenceView:
        """The evidence's text, or the remark why it is not shown. Never raises: a story is told without it, too."""
        title = evidence.title
        name = first_line(evidence.path)
        try:
            path = (run / evidence.path).resolve()
            if not path.is_relative_to(run.resolve()):
                return EvidenceView(title, "", "", f"{name} lies outside of the run's folder; not shown.")
            size = path.stat().st_size
            content = _ends(path, size)
        except OSError as error:
            return EvidenceView(title, "", "", f"{name} cannot be read: {error.strerror}.")
        except ValueError:  # a path that no file can have, with a NUL in it
            return EvidenceView(title, "", "", f"{name} names no file.")
        href = quote(os.path.relpath(path, self._folder.resolve()))
        if b"\0" in content[:1024]:
            return EvidenceView(title, href, "", f"{plural(size, 'byte')} that are no text.")
        if len(content) > self._left:
            return EvidenceView(title, href, "", f"{plural(size, 'byte')}; this page is full, open the file.")
        self._left -= len(content)
        text = printable(content.decode("utf-8", "replace"))
        cut = size > FILE_BYTES
        return EvidenceView(title, href, text, f"Beginning and end of {plural(size, 'byte')}." if cut else "")


def _ends(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        if size <= FILE_BYTES:
            return file.read(FILE_BYTES)
        head = file.read(FILE_BYTES * 2 // 3)
        file.seek(size - FILE_BYTES // 3)
        return head + b"\n[... the middle is in the file ...]\n" + file.read(FILE_BYTES // 3)
