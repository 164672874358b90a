"""This machine's loopback as each kind of vantage, so that one test judges every implementation of a probe."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from clusters.provider import Place
from fixtures.vantages import CommandVantage, NetnsVantage, PodVantage, Vantage
from fixtures.whole import Completed
from tests.miniatures.api_server import exec_api

HERE = Place(name="here", role="client", address="127.0.0.1", here=True)


class PodHere(PodVantage):
    """A pod whose API server is a miniature that is started when it is first asked."""

    def __init__(self, pod: str = "pod") -> None:
        self.namespace, self.pod = "namespace", pod
        self.name, self.address, self.node = "pod-here", "127.0.0.1", "here"

    def exec(self, argv: Sequence[str], *, timeout: float | None = None) -> Completed:
        return exec_api().exec(self.namespace, self.pod, argv, timeout=timeout or 30.0)


every_vantage = pytest.mark.parametrize(
    "vantage",
    [
        pytest.param(NetnsVantage(HERE), id="python"),
        pytest.param(CommandVantage(HERE), id="commands"),
        pytest.param(PodHere(), id="pod"),
    ],
)

__all__ = ["HERE", "PodHere", "Vantage", "every_vantage"]
