"""What ingress-nginx does besides, and its users may not know: does a controller that takes its place do so too?

Judged where somebody says what must hold: the controller's own documentation (``[[way.quirks]]`` of its
recipes), or else the API's. Where both are silent it is recorded. The table of parity has it either way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fixtures.expectations import equal, holds
from fixtures.observations import HttpObservation
from fixtures.recipes import Asked, behaviour
from fixtures.served import told

Like = Callable[[bool], None]
Note = Callable[[str, object], None]
REDIRECTS = {301, 307, 308}
quirk = partial(behaviour, recipe="quirks_by_{api}.yaml")
"""quirks_by_ingress.yaml or quirks_by_httproute.yaml, whichever the way asks by."""


def judge(asked: Asked, name: str, like: bool, seen: list[HttpObservation], *, by_the_api: bool | None) -> None:
    """As the controller documents, or else as the API does; with neither there is nothing to hold it to."""
    documented = asked.way.quirk(name)
    expected = documented.like if documented else by_the_api
    if expected is not None:
        said = f"its documentation says, {documented.source}" if documented else "the API's documentation says"
        equal(f"whether it does as ingress-nginx does with {name} ({said})", expected, like, seen)


def tell(asked: Asked, note: Note, seen: HttpObservation, path: str) -> None:
    """Put on record what became of a path; nothing but an answer will do."""
    holds(seen.answered and seen.status < 500, f"{path} to be answered", told(seen, asked.namespace.name), [seen])
    location = seen.headers.get("location", "")
    outcome = f"HTTP {seen.status}{f' to {location}' if location else ''}"
    note(path, "served" if asked.is_served(seen) else outcome.replace(asked.namespace.name + ".", ""))


@quirk("regex-prefix-and-case", feature="quirk.regex-prefix-and-case", ready=["pattern.example/HEAD"])
def test_a_pattern_is_a_prefix_in_any_case(asked: Asked, note: Note, like_ingress_nginx: Like) -> None:
    """“Because regex matches are prefix and case insensitive, Ingress-NGINX routes any request with a path that starts
    with” what matches.

    https://kubernetes.io/blog/2026/02/27/ingress-nginx-before-you-migrate/#1-regex-matches-are-prefix-based-and-case-insensitive
    """
    seen = {path: asked.get("pattern.example", path) for path in ("/uX", "/uuid")}
    for path, one in seen.items():
        tell(asked, note, one, path)
    like = asked.is_served(seen["/uuid"])
    like_ingress_nginx(like)
    judge(asked, "regex-prefix-and-case", like, [*seen.values()], by_the_api=None)


@quirk("regex-host-wide", feature="quirk.regex-host-wide", ready=["pattern.example/HEAD"])
def test_a_pattern_makes_patterns_of_the_hosts_other_paths(asked: Asked, note: Note, like_ingress_nginx: Like) -> None:
    """“The nginx.ingress.kubernetes.io/use-regex applies to all paths of a host across all (Ingress-NGINX) Ingresses”.
    The APIs: “Exact: Matches the URL path exactly and with case sensitivity.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    only_exact(asked, note, like_ingress_nginx, "pattern.example", "regex-host-wide")


@quirk("rewrite-implies-regex", feature="quirk.rewrite-implies-regex", ready=["rewrite.example/HEAD"])
def test_a_rewrite_makes_patterns_of_the_hosts_paths(asked: Asked, note: Note, like_ingress_nginx: Like) -> None:
    """“Rewrite target implies regex”. The APIs: “Exact: Matches the URL path exactly and with case sensitivity.”

    https://kubernetes.io/blog/2026/02/27/ingress-nginx-before-you-migrate/#3-rewrite-target-implies-regex
    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    tell(asked, note, asked.get("rewrite.example", "/ABCdef"), "/ABCdef")
    only_exact(asked, note, like_ingress_nginx, "rewrite.example", "rewrite-implies-regex")


def only_exact(asked: Asked, note: Note, like_ingress_nginx: Like, host: str, name: str) -> None:
    """``/HEAD`` is an exact path of the host."""
    asked.echo(asked.get(host, "/HEAD"))
    seen = asked.get(host, "/headers")
    tell(asked, note, seen, "/headers")
    like_ingress_nginx(asked.is_served(seen))
    judge(asked, name, asked.is_served(seen), [seen], by_the_api=False)


@quirk("trailing-slash", feature="quirk.trailing-slash", ready=["slash.example/my-path/"])
def test_what_lacks_the_slash_is_redirected(asked: Asked, note: Note, like_ingress_nginx: Like) -> None:
    """“Requests missing a trailing slash are redirected to the same path with a trailing slash”. The APIs: “Exact:
    Matches the URL path exactly and with case sensitivity.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    asked.echo(asked.get("slash.example", "/my-path/"))
    seen = asked.get("slash.example", "/my-path")
    tell(asked, note, seen, "/my-path")
    like = seen.status == 301 and seen.headers.get("location", "").endswith("/my-path/")
    like_ingress_nginx(like)
    holds(not asked.is_served(seen), "/my-path to reach no backend", told(seen, asked.namespace.name), [seen])
    judge(asked, "trailing-slash", like, [seen], by_the_api=False)


@quirk("url-normalisation", feature="quirk.url-normalisation", ready=["normal.example/uuid"])
def test_dots_and_doubled_slashes_are_resolved(asked: Asked, note: Note, like_ingress_nginx: Like) -> None:
    """“Ingress-NGINX normalizes URLs before matching them against Ingress rules. […] Ingress-NGINX responds with either
    a 200 OK response or a 301 Moved Permanently to /uuid.” ingress-nginx passes on the path as it was spelled, so that
    redirect is the backend's own; this one's is a 307.

    https://kubernetes.io/blog/2026/02/27/ingress-nginx-before-you-migrate/#5-ingress-nginx-normalizes-urls
    """
    asked.echo(asked.get("normal.example", "/uuid"))
    like = True
    for path in ("/ip/abc/../../uuid", "/./uuid", "////uuid"):
        seen = asked.get("normal.example", path)
        tell(asked, note, seen, path)
        redirected = seen.status in REDIRECTS and seen.headers.get("location", "").endswith("/uuid")
        like = like and (asked.is_served(seen) or redirected)
    like_ingress_nginx(like)
    judge(asked, "url-normalisation", like, [seen], by_the_api=None)
