"""What is added to answers: CORS, and a header of the route's own."""

from __future__ import annotations

from fixtures.expectations import equal, holds
from fixtures.recipes import Asked, behaviour

HOST = "cors.example"
ALLOWED, FOREIGN = "https://app.example.org", "https://evil.example.net"


def words(value: str) -> set[str]:
    """The members of a list header."""
    return {word.strip().lower() for word in value.split(",") if word.strip()}


@behaviour("cors")
def test_the_allowed_origin_may_ask_and_see(asked: Asked) -> None:
    """“cors-allow-origin: Controls what's the accepted Origin for CORS.” “cors-allow-methods: Controls which methods
    are accepted.” “cors-allow-headers: Controls which headers are accepted.” “cors-allow-credentials: Controls if
    credentials can be passed during CORS operations.” “cors-max-age: Controls how long preflight requests can be
    cached.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#enable-cors
    """
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-trace"}
    before = asked.get(HOST, headers={"Origin": ALLOWED, **asks}, method="OPTIONS")
    told = {name.removeprefix("access-control-"): value for name, value in before.headers.items()}
    holds(before.status in {200, 204}, "the preflight to succeed", f"HTTP {before.status}", [before])
    equal("the origin that may ask", ALLOWED, told.get("allow-origin"), [before])
    equal("the methods that it may use", {"get", "put"}, words(told.get("allow-methods", "")), [before])
    equal("the headers that it may send", {"x-trace"}, words(told.get("allow-headers", "")), [before])
    equal("whether it may send credentials", "true", told.get("allow-credentials"), [before])
    equal("for how many seconds this may be kept", "600", told.get("max-age"), [before])
    seen = asked.get(HOST, headers={"Origin": ALLOWED})
    asked.echo(seen)
    equal("the origin that may see the answer", ALLOWED, seen.headers.get("access-control-allow-origin"), [seen])


@behaviour("cors")
def test_a_foreign_origin_may_not(asked: Asked) -> None:
    """“cors-allow-origin: Controls what's the accepted Origin for CORS.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#enable-cors
    """
    asks = {"Origin": FOREIGN, "Access-Control-Request-Method": "PUT"}
    for seen in (asked.get(HOST, headers=asks, method="OPTIONS"), asked.get(HOST, headers={"Origin": FOREIGN})):
        given = seen.headers.get("access-control-allow-origin", "")
        holds(
            given not in {FOREIGN, "*"}, f"{FOREIGN} not to be allowed", f"Access-Control-Allow-Origin: {given}", [seen]
        )


@behaviour("response-header", feature="ann.configuration-snippet")
def test_the_header_is_added_to_every_answer(asked: Asked) -> None:
    """“Using this annotation you can add additional configuration to the NGINX location”: a header, as in its example.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#configuration-snippet
    """
    seen = asked.get("response-header.example")
    asked.echo(seen)
    equal("the header that the route adds", "from-the-route", seen.headers.get("x-added"), [seen])
