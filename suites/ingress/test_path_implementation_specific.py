"""pathType: ImplementationSpecific: admitted, and up to the controller."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

ASKED = {
    "specific.example": ["/specific/", "/specific/below", "/specifics", "/Specific", "/specific?a=b", "//specific"],
    "slash.example": ["/slash", "/slash/below", "/slashes"],
}
"""What the specification leaves open: recorded for each controller, and judged for none."""


@pytest.fixture
def specific(crossing: Arrange) -> Routes:
    """A path without and one with a slash at its end, and a Prefix path that tells when they are taken up."""
    return crossing("path_implementation_specific.yaml", gateway="", ready={"ready.example": "one"})


@feature("ing.path.implementation-specific")
def test_an_implementation_specific_path_takes_itself(specific: Routes, note: Callable[[str, object], None]) -> None:
    """“ImplementationSpecific: With this path type, matching is up to the IngressClass. Implementations can treat this
    as a separate pathType or treat it identically to Prefix or Exact path types.” Each of these takes its own path.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    served_by(specific.get("specific.example", "/specific"), specific.namespace, "one")
    served_by(specific.get("slash.example", "/slash/"), specific.namespace, "one")
    for host, paths in ASKED.items():
        own = "/specific" if host == "specific.example" else "/slash/"
        answers = [(path, specific.get(host, path)) for path in paths]
        takes = [path for path, seen in answers if specific.backend(seen)]
        leaves = [f"{path} (HTTP {seen.status})" for path, seen in answers if not specific.backend(seen)]
        note(f"ImplementationSpecific {own} takes", ", ".join(takes) or "nothing else")
        note(f"ImplementationSpecific {own} does not take", ", ".join(leaves) or "nothing of what was asked")
