"""Cases find their fixtures however pytest is started: ``python -m pytest suites --cluster NAME``."""

from __future__ import annotations

pytest_plugins = ["fixtures.plugin"]
