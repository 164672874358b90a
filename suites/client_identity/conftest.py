"""What the checks of client identity share: a backend that is reached by an Ingress, or by a Gateway."""

from __future__ import annotations

import pytest

from fixtures.certificates import secret_of, self_signed
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange

READY = {"client.example": "echo"}


@pytest.fixture
def front(request: pytest.FixtureRequest, routes: Arrange) -> Routes:
    """A backend behind an Ingress or behind a Gateway: the same is asked of both (`fronts`)."""
    if request.param == "by-ingress":
        return routes("client_by_ingress.yaml", ready=READY, before=put_secret)
    return routes("client_by_gateway.yaml", gateway="edge", ready=READY, before=put_secret)


def put_secret(routes: Routes) -> None:
    routes.namespace.apply_object(secret_of("certificate", self_signed(routes.host("secure.example"))))
