"""What the checks of Routes share: two backends, a Route of each kind, and the router that admitted them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.api import Api, Object
from fixtures.certificates import Authority, secret_of, self_signed
from fixtures.convergence import converge
from fixtures.openshift_routes import Arranged, Router, entrance, must_be_served
from fixtures.routes import host_in
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

REENCRYPTING = {"reencrypt": True, "reencrypt-stranger": False}
"""Route → whether its destinationCACertificate signed the backend's certificate."""


@pytest.fixture(scope="module")
def _arranged() -> dict[str, Arranged]:
    """Made once for all checks of a file."""
    return {}


@pytest.fixture
def routed(
    api: Api, make_module_namespace: Callable[..., Namespace], client_1: Vantage, _arranged: dict[str, Arranged]
) -> Arranged:
    """Everything in place and admitted; without Routes on this cluster nothing is begun."""
    must_be_served(api)
    if not _arranged:
        _arranged["all"] = arrange(make_module_namespace("routes"), client_1)
    return _arranged["all"]


def arrange(namespace: Namespace, client: Vantage) -> Arranged:
    authority, stranger = Authority("backends"), Authority("strangers")
    backends = authority.sign(f"one.{namespace.name}.svc")
    own = self_signed(*[host_in(namespace.name, f"{name}.example") for name in ("edge", "reencrypt")])
    namespace.apply_object(secret_of("backend", backends))

    def filled(found: Object) -> Object:
        if found["kind"] != "Route":
            return found
        name, tls = found["metadata"]["name"], found["spec"].get("tls")
        found["spec"]["host"] = host_in(namespace.name, found["spec"]["host"])
        if tls and tls["termination"] != "passthrough":
            tls |= {"certificate": own.certificate, "key": own.key}
        if name in REENCRYPTING:
            tls["destinationCACertificate"] = (authority if REENCRYPTING[name] else stranger).own.certificate
        return found

    namespace.apply([filled(found) for found in namespace.read("routes.yaml")])
    namespace.wait_ready()
    router = Router(client=client, namespace=namespace, address=entrance(namespace, "weights"))
    converge(
        lambda: [router.get(host_in(namespace.name, "weights.example"), tls=False)],
        lambda seen: seen[0].status == 200,
        what="a Route to be served",
        timeout=Timeout.ROUTES,
    )
    return Arranged(router=router, own=own, backends=backends)
