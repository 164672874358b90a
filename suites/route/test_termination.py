"""Where TLS ends: at the router, at the backend, or at both."""

from __future__ import annotations

from fixtures import openshift_routes as judged
from fixtures.catalogue import feature
from fixtures.openshift_routes import Arranged


@feature("ocp.edge")
def test_edge_ends_tls_at_the_router(routed: Arranged) -> None:
    """“edge: TLS termination is done by the router and http is used to communicate with the backend (default)”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.ends_tls_at_the_edge(routed.router, routed.host("edge"), routed.own, "one")


@feature("ocp.passthrough")
def test_passthrough_leads_tls_to_the_backend(routed: Arranged) -> None:
    """“passthrough: Traffic is sent straight to the destination without the router providing TLS termination”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.passes_tls_through(routed.router, routed.host("passthrough"), routed.backends, "one")


@feature("ocp.reencrypt")
def test_reencrypt_speaks_tls_with_the_backend(routed: Arranged) -> None:
    """“reencrypt: TLS termination is done by the router and https is used to communicate with the backend”

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.encrypts_again(routed.router, routed.host("reencrypt"), routed.own, "one")


@feature("ocp.reencrypt")
def test_reencrypt_enforces_the_destination_authority(routed: Arranged) -> None:
    """“destinationCACertificate provides the contents of the ca certificate of the final destination.” A backend whose
    certificate another one signed is not the destination.

    https://github.com/openshift/api/blob/master/route/v1/types.go
    """
    judged.encrypts_again(routed.router, routed.host("reencrypt"), routed.own, "one")
    judged.trusts_no_other_authority(routed.router, routed.host("reencrypt-stranger"))
