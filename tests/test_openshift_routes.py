"""OpenShift Routes: every judgement over a router that does right, and over one that does wrong in each way."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.provider import Place
from fixtures import openshift_routes as judged
from fixtures.certificates import self_signed
from fixtures.openshift_routes import Router
from fixtures.probes.kept import http_kept
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import Mismatch, Unsupported
from tests.miniatures.http import Behaviour
from tests.miniatures.router import NAMESPACE, from_backend, in_turn, redirect, router, unavailable

HOST = "shop.ours.example"
OWN, BACKENDS = self_signed(HOST), self_signed("one.ours.svc")
HERE = NetnsVantage(Place(name="here", role="client", address="127.0.0.1", here=True))
Judgement = Callable[[Router], None]


@contextmanager
def routing(folder: Path, **how: Any) -> Iterator[Router]:
    with router(folder, **how) as (http_port, https_port):
        namespace: Any = SimpleNamespace(name=NAMESPACE)
        yield Router(client=HERE, namespace=namespace, address="127.0.0.1", http_port=http_port, https_port=https_port)


EDGE: Judgement = functools.partial(judged.ends_tls_at_the_edge, host=HOST, own=OWN, backend="one")
PASSTHROUGH: Judgement = functools.partial(judged.passes_tls_through, host=HOST, backends=BACKENDS, backend="one")
REENCRYPT: Judgement = functools.partial(judged.encrypts_again, host=HOST, own=OWN, backend="one")
STRANGER: Judgement = functools.partial(judged.trusts_no_other_authority, host=HOST)
ASKED_FOR = "/cart?id=1"
REDIRECT: Judgement = functools.partial(judged.redirects_to_https, host=HOST)
ALLOW: Judgement = functools.partial(judged.serves_in_plain, host=HOST, backend="one")
NONE: Judgement = functools.partial(judged.serves_nothing_in_plain, host=HOST)
PLAIN, ASKED, ASKED_FOR_ANOTHER = from_backend("one"), from_backend("one", tls=HOST), from_backend("one", tls="x")
OTHER = from_backend("two")


@pytest.mark.parametrize(
    ("judge", "how"),
    [
        pytest.param(EDGE, {"shown": OWN, "secure": PLAIN}, id="edge"),
        pytest.param(PASSTHROUGH, {"shown": BACKENDS, "secure": ASKED}, id="passthrough"),
        pytest.param(REENCRYPT, {"shown": OWN, "secure": ASKED_FOR_ANOTHER}, id="reencrypt"),
        pytest.param(STRANGER, {"shown": OWN}, id="a-strangers-authority"),
        pytest.param(REDIRECT, {"shown": OWN, "plain": redirect(302, f"https://{HOST}{ASKED_FOR}")}, id="redirect"),
        pytest.param(
            REDIRECT, {"shown": OWN, "plain": redirect(308, f"https://{HOST}:443{ASKED_FOR}")}, id="redirect-with-port"
        ),
        pytest.param(ALLOW, {"shown": OWN, "plain": PLAIN}, id="allow"),
        pytest.param(NONE, {"shown": OWN}, id="none"),
    ],
)
def test_a_right_router_passes(tmp_path: Path, judge: Judgement, how: dict[str, Any]) -> None:
    with routing(tmp_path, **how) as made:
        judge(made)


@pytest.mark.parametrize(
    ("judge", "how", "told"),
    [
        pytest.param(EDGE, {"shown": BACKENDS, "secure": PLAIN}, "certificate", id="edge-shows-the-backends"),
        pytest.param(EDGE, {"shown": OWN, "secure": ASKED}, "in plain", id="edge-speaks-tls-with-the-backend"),
        pytest.param(EDGE, {"shown": OWN, "secure": OTHER}, "backend one", id="edge-leads-elsewhere"),
        pytest.param(PASSTHROUGH, {"shown": OWN, "secure": ASKED}, "certificate", id="passthrough-shows-the-routers"),
        pytest.param(PASSTHROUGH, {"shown": BACKENDS, "secure": PLAIN}, "server name", id="passthrough-ends-tls"),
        pytest.param(
            PASSTHROUGH, {"shown": BACKENDS, "secure": ASKED_FOR_ANOTHER}, "server name", id="passthrough-asks-another"
        ),
        pytest.param(REENCRYPT, {"shown": BACKENDS, "secure": ASKED}, "certificate", id="reencrypt-shows-the-backends"),
        pytest.param(REENCRYPT, {"shown": OWN, "secure": PLAIN}, "by TLS", id="reencrypt-speaks-in-plain"),
        pytest.param(REENCRYPT, {"shown": OWN}, "backend one", id="reencrypt-leads-nowhere"),
        pytest.param(STRANGER, {"shown": OWN, "secure": ASKED}, "no backend", id="a-strangers-authority-is-trusted"),
        pytest.param(REDIRECT, {"shown": OWN, "plain": PLAIN}, "no backend", id="redirect-serves"),
        pytest.param(REDIRECT, {"shown": OWN}, "a redirect", id="redirect-refuses"),
        pytest.param(
            REDIRECT,
            {"shown": OWN, "plain": redirect(302, f"http://{HOST}{ASKED_FOR}")},
            "where to",
            id="redirect-to-http",
        ),
        pytest.param(
            REDIRECT, {"shown": OWN, "plain": redirect(302, f"https://{HOST}/")}, "where to", id="redirect-to-the-root"
        ),
        pytest.param(
            REDIRECT, {"shown": OWN, "plain": redirect(302, f"https://{HOST}/cart")}, "where to", id="redirect-no-query"
        ),
        pytest.param(
            REDIRECT,
            {"shown": OWN, "plain": redirect(302, f"https://other.example{ASKED_FOR}")},
            "where to",
            id="redirect-away",
        ),
        pytest.param(ALLOW, {"shown": OWN}, "backend one", id="allow-refuses"),
        pytest.param(ALLOW, {"shown": OWN, "plain": redirect(302, f"https://{HOST}/")}, "one", id="allow-redirects"),
        pytest.param(NONE, {"shown": OWN, "plain": PLAIN}, "no backend", id="none-serves"),
        pytest.param(NONE, {"shown": OWN, "plain": redirect(302, f"https://{HOST}/")}, "redirect", id="none-redirects"),
    ],
)
def test_a_wrong_router_fails(tmp_path: Path, judge: Judgement, how: dict[str, Any], told: str) -> None:
    with routing(tmp_path, **how) as made, pytest.raises(Mismatch, match=told):
        judge(made)


@pytest.mark.parametrize(
    ("answers", "weights", "holds"),
    [
        pytest.param(in_turn("one", "one", "one", "two"), {"one": 75, "two": 25}, True, id="three-to-one"),
        pytest.param(in_turn("one", "two"), {"one": 75, "two": 25}, False, id="half-and-half"),
        pytest.param(from_backend("one"), {"one": 100, "two": 0}, True, id="zero"),
    ],
)
def test_shares_are_judged_by_weight(tmp_path: Path, answers: Behaviour, weights: dict[str, int], holds: bool) -> None:
    with routing(tmp_path, shown=OWN, plain=answers) as made:
        seen = http_kept(HERE, f"http://{HOST}:{made.http_port}/", address="127.0.0.1", count=400)
        assert all(test.holds is holds for test in judged.splits(seen, made, weights))


@pytest.mark.parametrize("answers", [in_turn(*["one"] * 50, "two"), unavailable], ids=["leaks", "answers-nothing"])
def test_a_weight_of_zero_that_leaks_fails(tmp_path: Path, answers: Behaviour) -> None:
    with routing(tmp_path, shown=OWN, plain=answers) as made:
        seen = http_kept(HERE, f"http://{HOST}:{made.http_port}/", address="127.0.0.1", count=200)
        with pytest.raises(Mismatch):
            judged.splits(seen, made, {"one": 100, "two": 0})


def test_without_routes_nothing_is_begun() -> None:
    without: Any = SimpleNamespace(dynamic=SimpleNamespace(resources=SimpleNamespace(search=lambda **_: [])))
    with pytest.raises(Unsupported, match=r"does not serve route\.openshift\.io/v1") as ended:
        judged.must_be_served(without)
    assert ended.value.source.startswith("https://")
    served: Any = SimpleNamespace(dynamic=SimpleNamespace(resources=SimpleNamespace(search=lambda **_: ["Route"])))
    judged.must_be_served(served)
