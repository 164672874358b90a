"""Redirects: ssl-redirect, permanent-redirect and its code."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.expectations import equal, holds
from fixtures.recipes import Asked, behaviour

PATH = "/some/where?a=b"
ELSEWHERE = "https://elsewhere.example.org/new"


@behaviour("ssl-redirect", ready=["ssl-redirect.example/", "https://ssl-redirect.example/"])
def test_plain_http_is_sent_to_https(asked: Asked, note: Callable[[str, object], None]) -> None:
    """“By default the controller redirects (308) to HTTPS if TLS is enabled for that ingress.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#server-side-https-enforcement-through-redirect
    """
    plain = asked.get("ssl-redirect.example", PATH)
    note("status of the redirect", plain.status)
    holds(plain.status in {301, 302, 307, 308}, "plain HTTP to be redirected", f"HTTP {plain.status}", [plain])
    location = plain.headers.get("location", "").replace(":443/", "/")
    equal("where the redirect leads", asked.url("ssl-redirect.example", PATH, tls=True), location, [plain])
    secure = asked.get("ssl-redirect.example", PATH, tls=True)
    equal("the path that the backend saw by https", PATH, asked.echo(secure).path, [secure])


@behaviour("permanent-redirect")
def test_everything_is_redirected_for_good(asked: Asked) -> None:
    """“This annotation allows to return a permanent redirect (Return Code 301) instead of sending data to the
    upstream.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#permanent-redirect
    """
    redirects(asked, "permanent-redirect.example", 301)


@behaviour("permanent-redirect-code", feature="ann.permanent-redirect")
def test_the_redirect_has_the_code_that_is_said(asked: Asked) -> None:
    """“This annotation allows you to modify the status code used for permanent redirects.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#permanent-redirect-code
    """
    redirects(asked, "permanent-redirect-code.example", 308)


def redirects(asked: Asked, host: str, status: int) -> None:
    for path in ("/", "/old"):
        seen = asked.get(host, path)
        equal(f"the answer to {path}", (status, ELSEWHERE), (seen.status, seen.headers.get("location", "")), [seen])
