"""Errors of the floor below the suites, each with a cause and what to do.

RoadtestError
├── UsageError          the user asked for something that does not exist or cannot be
├── MachineError        this machine lacks something (root, a kernel feature, a package, disk)
├── ComponentError      a binary or image could not be had or is damaged
└── ClusterError        a cluster did not come up, or is not there
"""

from __future__ import annotations


class RoadtestError(Exception):
    """One sentence of cause, one of cure; shown to the user without a traceback. Exit status 2."""

    def __init__(self, cause: str, cure: str = "") -> None:
        self.cause = cause
        self.cure = cure
        super().__init__(f"{cause} {cure}".strip())


class UsageError(RoadtestError):
    """The user asked for something that does not exist or cannot be."""


class MachineError(RoadtestError):
    """This machine lacks something that the run needs."""


class ComponentError(RoadtestError):
    """A binary or image could not be had, or is damaged."""


class ClusterError(RoadtestError):
    """A cluster did not come up, or is not there."""
