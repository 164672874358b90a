"""The one error that this package shows to users.

    ReportError     a run cannot be written to, read or drawn; says why, and what to do

A stream that is merely damaged is no error: `reports.stream.read` hands back what it holds, with its troubles.
"""

from __future__ import annotations


class ReportError(Exception):
    """One sentence of cause, one of cure; shown to the user without a traceback. Exit status 2."""

    def __init__(self, cause: str, cure: str = "") -> None:
        self.cause = cause
        self.cure = cure
        super().__init__(f"{cause} {cure}".strip())
