"""An Ingress that cannot be served, beside others that can."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from fixtures.afterwards import afterwards
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import told
from fixtures.steady import Stream, no_loss
from fixtures.timeouts import Timeout

RATE, ROW = 10.0, 10


@pytest.fixture
def good(routes: Arrange) -> Routes:
    """A good Ingress, served before anything bad is there."""
    return routes("bad_object.yaml", ready={"good.example": "echo"})


def called(routes: Routes, manifest: str, name: str) -> Object:
    """The manifest's Ingress, with a name and a host of this check's own."""
    (found,) = routes.namespace.read(manifest)
    found["metadata"]["name"] += f"-{name}"
    for rule in found["spec"]["rules"]:
        rule["host"] = f"{name}-{rule['host']}"
    for tls in found["spec"].get("tls", []):
        tls["hosts"] = [f"{name}-{host}" for host in tls["hosts"]]
    return routes.fit(found)


@feature("ing.isolation.bad-object")
@pytest.mark.parametrize("bad", ["missing-service", "missing-port", "missing-secret", "path", "annotation"])
def test_a_bad_ingress_harms_no_other(
    good: Routes,
    bad: str,
    steady_route: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“The Ingress spec has all the information needed to configure a load balancer or proxy server. Most importantly,
    it contains a list of rules matched against all incoming requests.” The list is each Ingress's own: one that cannot
    be followed leaves the others as they are, and what comes after it takes effect. Refused, it harms nobody, too.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource
    """
    good.settle()
    taken_away = partial(good.namespace.delete, "networking.k8s.io/v1", "Ingress")
    with steady_route(good, "good.example", rate=RATE) as stream, afterwards(lambda: taken_away(f"bad-{bad}")):
        stream.await_answers(ROW)
        stream.mark("the bad Ingress is applied")
        refused = good.namespace.refusal(called(good, f"bad_object_{bad.replace('-', '_')}.yaml", bad))
        note("what the API says of the bad Ingress", refused.message if refused else "nothing: it is taken")
        with afterwards(lambda: taken_away(f"later-{bad}")):
            good.namespace.apply_object(called(good, "bad_object_later.yaml", bad))
            converge(
                lambda: [good.get(f"{bad}-later.example")],
                lambda seen: good.backend(seen[0]) == "echo",
                what="an Ingress that was made after the bad one to be served",
                timeout=Timeout.ROUTES,
            )
            stream.mark("a later one is served")
            note("at the bad Ingress's own host", told(good.get(f"{bad}-bad.example"), good.namespace.name))
            stream.await_answers(ROW)
    no_loss(stream, "of another Ingress's host, while there was a bad one")
