"""This machine's loopback as each kind of vantage, so that one test judges every implementation of a probe."""

from __future__ import annotations

import pytest

from clusters.provider import Place
from fixtures.vantages import CommandVantage, NetnsVantage, Vantage

HERE = Place(name="here", role="client", address="127.0.0.1")

every_vantage = pytest.mark.parametrize(
    "vantage", [pytest.param(NetnsVantage(HERE), id="python"), pytest.param(CommandVantage(HERE), id="commands")]
)

__all__ = ["HERE", "Vantage", "every_vantage"]
