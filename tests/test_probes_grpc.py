"""The gRPC probe tells what became of a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.observations import Outcome
from fixtures.probes import grpc, http
from fixtures.vantages import CommandVantage, NetnsVantage
from tests.miniatures.certificates import self_signed
from tests.miniatures.grpc import grpc_server
from tests.miniatures.ports import refusing_port
from tests.vantages import HERE

PYTHON = NetnsVantage(HERE)


def test_a_call_tells_who_answered_and_what_reached_it() -> None:
    with grpc_server(service="blue") as port:
        seen = grpc(PYTHON, f"http://shop.example:{port}", address="127.0.0.1", headers={"X-Version": "two"})
    assert (seen.outcome, seen.status, seen.http_status) == (Outcome.ANSWERED, 0, 200)
    assert (seen.service, seen.namespace, seen.pod) == ("blue", "namespace", "pod-1")
    assert seen.method == "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/Echo"
    assert seen.authority == f"shop.example:{port}"
    assert seen.seen["x-version"] == "two"


@pytest.mark.parametrize("status", [12, 14])
def test_the_status_of_a_call_is_told(status: int) -> None:
    with grpc_server(status=status) as port:
        seen = grpc(PYTHON, f"http://127.0.0.1:{port}", "EchoThree")
    assert (seen.answered, seen.status, seen.message) == (True, status, "as told")
    assert seen.method.endswith("/EchoThree")


def test_an_answer_that_is_not_grpcs_has_no_status() -> None:
    with grpc_server(status=-1, http_status=404) as port:
        seen = grpc(PYTHON, f"http://127.0.0.1:{port}")
    assert (seen.answered, seen.status, seen.http_status) == (True, -1, 404)


def test_an_answer_that_is_broken_off_is_none() -> None:
    with grpc_server(cut=True) as port:
        seen = grpc(PYTHON, f"http://127.0.0.1:{port}")
    assert (seen.outcome, seen.answered) == (Outcome.RESET, False)


def test_nothing_that_listens_refuses() -> None:
    assert grpc(PYTHON, f"http://127.0.0.1:{refusing_port()}").outcome is Outcome.REFUSED


def test_over_tls_the_certificate_is_checked_where_that_is_asked(tmp_path: Path) -> None:
    path, pem = self_signed(tmp_path, "shop.example")
    _, another = self_signed(tmp_path, "other.example")
    with grpc_server(certificate=path) as port:
        url = f"https://shop.example:{port}"
        assert grpc(PYTHON, url, address="127.0.0.1", ca=pem).status == 0
        assert grpc(PYTHON, url, address="127.0.0.1").status == 0
        assert grpc(PYTHON, url, address="127.0.0.1", ca=another).outcome is Outcome.TLS_ERROR


def test_http_2_is_spoken_from_the_first_byte_or_by_alpn(tmp_path: Path) -> None:
    path, _ = self_signed(tmp_path, "shop.example")
    for vantage in (PYTHON, CommandVantage(HERE)):
        with grpc_server(text="page", status=-1) as port:
            (plain,) = http(vantage, f"http://127.0.0.1:{port}/x", http2=True)
        with grpc_server(text="page", status=-1, certificate=path) as port:
            (secure,) = http(vantage, f"https://shop.example:{port}/x", address="127.0.0.1", http2=True)
        told = [(seen.outcome, seen.version, seen.status, seen.body) for seen in (plain, secure)]
        assert told == [(Outcome.ANSWERED, "2", 200, "page")] * 2


def test_where_only_commands_are_run_the_check_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="gRPC cannot be spoken from here"):
        grpc(CommandVantage(HERE), "http://127.0.0.1:1")
