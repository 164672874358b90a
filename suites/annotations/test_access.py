"""Who is let in: a service that decides, and ranges of addresses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from fixtures.expectations import equal, holds
from fixtures.recipes import Asked, behaviour
from fixtures.vantages import Vantage

SIGN_IN = "https://login.example.org/start"


@behaviour("auth-url", feature="ann.auth-url-signin", ready=["auth-admits.example/", "auth-denies.example/401"])
def test_the_service_decides_and_its_headers_are_passed(asked: Asked) -> None:
    """“auth-url […] to indicate the URL where the HTTP request should be sent.” “auth-response-headers: […] to specify
    headers to pass to backend once authentication request completes.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#external-authentication
    """
    seen = asked.get("auth-admits.example", headers={"X-Echo-Set-Header": "X-Auth-User:ann"})
    told = asked.echo(seen).headers.get("X-Auth-User")
    equal("the user that the backend was told of by the service", ["ann"], told, [seen])
    denied = asked.get("auth-denies.example", "/401")
    equal("the status where the service says 401", 401, denied.status, [denied])


@behaviour("auth-signin", feature="ann.auth-url-signin", ready=["auth-signin.example/401"])
def test_who_is_not_known_is_sent_to_sign_in(asked: Asked, note: Callable[[str, object], None]) -> None:
    """“auth-signin: <SignIn_URL> to specify the location of the error page.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#external-authentication
    """
    seen = asked.get("auth-signin.example", "/401")
    location = seen.headers.get("location", "")
    note("where the redirect leads", location.replace(asked.host("auth-signin.example"), "auth-signin.example"))
    equal("the status", 302, seen.status, [seen])
    holds(location.partition("?")[0] == SIGN_IN, f"a redirect to {SIGN_IN}", location or "none", [seen])


@behaviour("whitelist")
def test_only_the_named_range_is_admitted(
    asked: Asked, client_1: Vantage, client_2: Vantage, keeping_addresses: Callable[[], AbstractContextManager[None]]
) -> None:
    """“You can specify allowed client IP source ranges through the nginx.ingress.kubernetes.io/whitelist-source-range
    annotation.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#whitelist-source-range
    """
    with keeping_addresses():
        inside = asked.get("whitelist.example", client=client_1)
        outside = asked.get("whitelist.example", client=client_2)
    asked.echo(inside)
    equal(f"the status for {client_2.address}", 403, outside.status, [outside])
