"""insecureEdgeTerminationPolicy: what becomes of a client that asks by HTTP."""

from __future__ import annotations

from fixtures import openshift_routes as judged
from fixtures.catalogue import feature
from fixtures.openshift_routes import Arranged


@feature("ocp.insecure.redirect")
def test_redirect_sends_the_client_to_https(routed: Arranged) -> None:
    """“Redirect - clients are redirected to the secure port.”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.redirects_to_https(routed.router, routed.host("redirect"))


@feature("ocp.insecure.allow")
def test_allow_serves_the_client_in_plain(routed: Arranged) -> None:
    """“Allow - traffic is sent to the server on the insecure port (edge/reencrypt terminations only).”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.serves_in_plain(routed.router, routed.host("allow"), "one")


@feature("ocp.insecure.none")
def test_none_serves_nothing_in_plain(routed: Arranged) -> None:
    """“None - no traffic is allowed on the insecure port (default).” It is the default: a Route that says nothing of it
    serves nothing there, either.

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    for route in ("none", "edge"):
        judged.serves_nothing_in_plain(routed.router, routed.host(route))
