"""The HTTP probe tells what happened, alike from every kind of vantage."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest

from fixtures.observations import Outcome
from fixtures.probes import http
from fixtures.probes.http_curl import moment, transfers
from fixtures.vantages import CommandVantage, NetnsVantage, Vantage
from tests.miniatures.certificates import self_signed
from tests.miniatures.http import (
    alternate,
    babble,
    close_early,
    drip,
    half,
    hang,
    http_server,
    mirror,
    reply,
    told_request,
    two_cookies,
)
from tests.miniatures.ports import refusing_port, tcp_server
from tests.vantages import HERE, every_vantage


@every_vantage
def test_an_answer_is_told_with_status_headers_body_and_addresses(vantage: Vantage) -> None:
    with http_server(reply(418, "short and\nstout\n", {"X-Pod": "a"})) as port:
        (seen,) = http(vantage, f"http://127.0.0.1:{port}/pot")
    assert seen.outcome is Outcome.ANSWERED
    assert (seen.status, seen.body, seen.headers["x-pod"]) == (418, "short and\nstout\n", "a")
    assert seen.remote == f"127.0.0.1:{port}"
    assert seen.local.startswith("127.0.0.1:")
    assert 0 < seen.seconds < 3


@every_vantage
def test_every_cookie_is_told(vantage: Vantage) -> None:
    with http_server(two_cookies) as port:
        (seen,) = http(vantage, f"http://127.0.0.1:{port}/")
    assert seen.cookies == ["a=1; Path=/", "b=2"]


@every_vantage
def test_each_request_has_a_connection_of_its_own(vantage: Vantage) -> None:
    with http_server(mirror) as port:
        seen = http(vantage, f"http://127.0.0.1:{port}/clientip", count=20)
    assert len({observation.body for observation in seen}) == 20
    assert [observation.local for observation in seen] == [observation.body for observation in seen]


@every_vantage
def test_the_host_header_is_apart_from_the_address(vantage: Vantage) -> None:
    with http_server(mirror) as port:
        (by_url,) = http(vantage, f"http://shop.example:{port}/", address="127.0.0.1")
        (by_header,) = http(vantage, f"http://127.0.0.1:{port}/", headers={"Host": "other.example"})
    assert by_url.headers["seen-host"] == f"shop.example:{port}"
    assert by_header.headers["seen-host"] == "other.example"


@every_vantage
@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        pytest.param(close_early, Outcome.RESET, id="hangs up"),
        pytest.param(half, Outcome.RESET, id="hangs up in the middle"),
        pytest.param(hang, Outcome.TIMEOUT, id="never answers"),
        pytest.param(drip, Outcome.TIMEOUT, id="never ends"),
        pytest.param(babble, Outcome.ERROR, id="is no HTTP"),
    ],
)
def test_a_broken_answer_is_no_answer(vantage: Vantage, behave: object, outcome: Outcome) -> None:
    with http_server(behave) as port:  # type: ignore[arg-type]
        (seen,) = http(vantage, f"http://127.0.0.1:{port}/", timeout=0.3)
    assert seen.outcome is outcome
    assert seen.detail
    assert (seen.status, seen.body, seen.headers) == (0, "", {})
    assert seen.seconds < 0.6


@every_vantage
def test_a_refusal_is_told_from_a_time_out_and_at_once(vantage: Vantage) -> None:
    seen = http(vantage, f"http://127.0.0.1:{refusing_port()}/", count=3)
    assert [observation.outcome for observation in seen] == [Outcome.REFUSED] * 3
    assert all(observation.seconds < 0.5 for observation in seen)


@every_vantage
def test_a_failed_attempt_is_not_tried_again(vantage: Vantage) -> None:
    with http_server(alternate(reply(503), reply(200), close_early)) as port:
        seen = http(vantage, f"http://127.0.0.1:{port}/", count=6)
    told = [(observation.outcome, observation.status) for observation in seen]
    assert told == [(Outcome.ANSWERED, 503), (Outcome.ANSWERED, 200), (Outcome.RESET, 0)] * 2


@every_vantage
def test_a_name_that_does_not_resolve_is_a_name_error(vantage: Vantage) -> None:
    (seen,) = http(vantage, "http://nowhere.invalid/", timeout=3)
    assert seen.outcome is Outcome.NAME_ERROR


@every_vantage
def test_https_to_a_plain_server_is_a_tls_error(vantage: Vantage) -> None:
    with http_server(reply()) as port:
        (seen,) = http(vantage, f"https://127.0.0.1:{port}/")
    assert seen.outcome is Outcome.TLS_ERROR


@every_vantage
def test_https_answers_whatever_the_certificate_when_none_is_asked_for(vantage: Vantage, tmp_path: Path) -> None:
    path, _ = self_signed(tmp_path, "shop.example")
    with http_server(reply(), certificate=path) as port:
        (seen,) = http(vantage, f"https://shop.example:{port}/", address="127.0.0.1")
    assert (seen.outcome, seen.body) == (Outcome.ANSWERED, "pod-a")


@every_vantage
def test_the_served_certificate_is_told_and_can_be_verified(vantage: Vantage, tmp_path: Path) -> None:
    path, pem = self_signed(tmp_path, "shop.example")
    with http_server(reply(), certificate=path) as port:
        url = f"https://shop.example:{port}/"
        verified = http(vantage, url, address="127.0.0.1", ca=pem, count=2)
        (wrong_host,) = http(vantage, f"https://other.example:{port}/", address="127.0.0.1", ca=pem)
        (wrong_ca,) = http(vantage, url, address="127.0.0.1", ca=self_signed(tmp_path, "ca.example")[1])
    assert [(seen.outcome, seen.certificate.strip()) for seen in verified] == [(Outcome.ANSWERED, pem.strip())] * 2
    assert (wrong_host.outcome, wrong_ca.outcome) == (Outcome.TLS_ERROR, Outcome.TLS_ERROR)
    assert wrong_host.certificate == ""


@every_vantage
def test_a_server_that_hangs_up_while_tls_is_agreed_gives_no_answer(vantage: Vantage) -> None:
    with tcp_server(None) as port:
        (seen,) = http(vantage, f"https://127.0.0.1:{port}/")
    assert seen.outcome is Outcome.TLS_ERROR


@every_vantage
def test_the_request_is_sent_as_it_is_written(vantage: Vantage) -> None:
    with http_server(told_request) as port:
        (seen,) = http(vantage, f"http://127.0.0.1:{port}//a/./b/../c%2Fd?x=1&y", headers={"X-Canary": "always"})
    line, *headers = seen.body.splitlines()
    assert line == "GET //a/./b/../c%2Fd?x=1&y HTTP/1.1"
    assert sorted(header.lower() for header in headers) == [
        "accept: */*",
        "connection: close",
        f"host: 127.0.0.1:{port}",
        "user-agent: roadtest",
        "x-canary: always",
    ]
    assert seen.headers["seen"] == "second"


@every_vantage
def test_attempts_are_told_with_the_times_when_they_began(vantage: Vantage) -> None:
    began = time.time()
    with http_server(alternate(reply(), close_early)) as port:
        seen = http(vantage, f"http://127.0.0.1:{port}/", count=4)
    refused = http(vantage, f"http://127.0.0.1:{refusing_port()}/", count=2)
    times = [one.at for one in [*seen, *refused]]
    assert times == sorted(times)
    assert len(set(times)) == 6
    # curl stamps its lines and counts its seconds by two clocks, between which a busy machine may let it wait.
    assert all(one.at + one.seconds <= after.at + 0.5 for one, after in pairwise(seen))
    assert began - 2e-3 <= times[0] < times[-1] <= time.time()


def test_a_clock_that_is_not_ours_is_not_believed() -> None:
    verbose = "03:00:00.000000 *   Trying 127.0.0.1:1...\n03:00:00.000100 * Closing connection 0\n" * 2
    noon = 12 * 3600.0
    assert [transfer.at for transfer in transfers(verbose, 2, noon, noon + 4)] == [noon, noon + 2]


def test_a_time_of_day_is_of_the_nearest_day() -> None:
    midnight = 20_000 * 86_400.0
    assert moment("23:59:59.500000", near=midnight + 1) == midnight - 0.5
    assert moment("00:00:00.500000", near=midnight - 1) == midnight + 0.5


def test_curl_speaks_http_2_once() -> None:
    with pytest.raises(ValueError, match="HTTP/2"):
        http(CommandVantage(HERE), "http://127.0.0.1:1/", count=2, http2=True)


def test_when_the_last_part_of_a_body_was_sent_is_told() -> None:
    """A server that stops reading: what is told is when the last part left, not when the answer came."""
    silence, headers = 0.6, {}
    here = NetnsVantage(HERE)

    def deaf(handler: BaseHTTPRequestHandler) -> None:
        headers.update(handler.headers)
        time.sleep(silence)
        reply(408)(handler)

    with http_server(deaf) as port:
        (seen,) = http(here, f"http://127.0.0.1:{port}/", body="x" * 2**25)
    assert seen.status == 408
    assert 0 < seen.sent_after < seen.seconds - silence / 2
    assert headers["Content-Length"] == str(2**25)
    assert "Transfer-Encoding" not in headers
    with http_server(reply()) as port:
        (seen,) = http(here, f"http://127.0.0.1:{port}/")
    assert seen.sent_after == 0
