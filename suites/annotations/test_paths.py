"""The path that a backend sees: rewrite-target."""

from __future__ import annotations

from fixtures.expectations import equal
from fixtures.recipes import Asked, behaviour


@behaviour("rewrite-target", ready=["rewrite-target.example/something/new"])
def test_the_backend_sees_what_follows_the_prefix(asked: Asked) -> None:
    """“rewrite.bar.com/something rewrites to rewrite.bar.com/, rewrite.bar.com/something/ rewrites to rewrite.bar.com/,
    rewrite.bar.com/something/new rewrites to rewrite.bar.com/new”

    https://kubernetes.github.io/ingress-nginx/examples/rewrite/
    """
    for path, expected in {
        "/something": "/",
        "/something/": "/",
        "/something/new": "/new",
        "/something/new?a=b": "/new?a=b",
    }.items():
        seen = asked.get("rewrite-target.example", path)
        equal(f"the path that the backend saw of {path}", expected, asked.echo(seen).path, [seen])


@behaviour("rewrite-capture", feature="ann.rewrite-target", ready=["rewrite-capture.example/users/a/items/b"])
def test_the_backend_sees_the_captured_groups(asked: Asked) -> None:
    """“Captured groups are saved in numbered placeholders, chronologically, in the form $1, $2 … $n. These placeholders
    can be used as parameters in the rewrite-target annotation.”

    https://kubernetes.github.io/ingress-nginx/examples/rewrite/
    """
    for path, expected in {
        "/users/ann/items/1": "/items/1/of/ann",
        "/users/bob/items/x/y": "/items/x/y/of/bob",
    }.items():
        seen = asked.get("rewrite-capture.example", path)
        equal(f"the path that the backend saw of {path}", expected, asked.echo(seen).path, [seen])
