"""CoreDNS is changed, waited for and put back, whatever happens in between."""

from __future__ import annotations

import hashlib
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures import coredns
from fixtures.api import Api
from fixtures.coredns import CoreDns
from fixtures.observations import HttpObservation, Outcome
from fixtures.timeouts import stretch
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import ArrangementError, Mismatch
from tests.miniatures.cluster import a_cluster
from tests.vantages import HERE

REPLICAS = {"one": "10.244.1.2", "two": "10.244.2.2"}


class Server:
    """Two replicas that take a Corefile up when they are looked at for the second time since it changed."""

    def __init__(self) -> None:
        self.corefile = "before"
        self.running = dict.fromkeys(REPLICAS.values(), "")
        self.loaded = dict.fromkeys(REPLICAS.values(), "before")
        self.looks: dict[tuple[str, str], int] = {}
        self.touched: list[str] = []
        self.refuses = ""

    # what is asked of the API

    def read_namespaced_config_map(self, _name: str, _namespace: str) -> Any:
        return SimpleNamespace(data={"Corefile": self.corefile})

    def patch_namespaced_config_map(self, _name: str, _namespace: str, change: Any) -> None:
        self.corefile = change["data"]["Corefile"]

    def patch_namespaced_pod(self, name: str, _namespace: str, _change: Any) -> None:
        self.touched.append(name)

    def list_namespaced_pod(self, _namespace: str, label_selector: str) -> Any:
        assert label_selector == coredns.SELECTOR
        ready = SimpleNamespace(type="Ready", status="True")
        going = SimpleNamespace(name="three", deletion_timestamp="now")
        pods = [(SimpleNamespace(name=name, deletion_timestamp=None), address) for name, address in REPLICAS.items()]
        return SimpleNamespace(
            items=[
                SimpleNamespace(metadata=metadata, status=SimpleNamespace(pod_ip=address, conditions=[ready]))
                for metadata, address in [*pods, (going, "10.244.3.2")]
            ]
        )

    # what a replica tells

    def metrics(self, _vantage: object, url: str) -> list[HttpObservation]:
        address = url.partition("//")[2].partition(":")[0]
        looked = self.looks[address, self.corefile] = self.looks.get((address, self.corefile), 0) + 1
        if looked > 1 and self.corefile not in {self.refuses, self.loaded[address]}:
            self.loaded[address] = self.corefile  # as reload does, which leaves alone what has not changed
            self.running[address] = hashlib.sha512(self.corefile.encode()).hexdigest()
        failed = int(self.corefile == self.refuses)
        version = f'coredns_reload_version_info{{hash="sha512",value="{self.running[address]}"}} 1\n'
        body = f"coredns_reload_failed_total {failed}\n{version if self.running[address] else ''}"
        return [
            HttpObservation(vantage="n1", target=url, at=0, seconds=0, outcome=Outcome.ANSWERED, status=200, body=body)
        ]

    def metrics_of(self, corefile: str, vantage: object, url: str) -> list[HttpObservation]:
        """Of replicas that are stuck with a Corefile."""
        stuck = Server()
        stuck.running = dict.fromkeys(REPLICAS.values(), hashlib.sha512(corefile.encode()).hexdigest())
        return stuck.metrics(vantage, url)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(coredns, "http", made.metrics)
    return made


def of(server: Server) -> CoreDns:
    return CoreDns(cast("Api", SimpleNamespace(core=server)), a_cluster(), NetnsVantage(HERE))


def test_every_replica_has_taken_a_corefile_up_before_the_block_and_the_old_one_after_it(server: Server) -> None:
    with of(server).configured("changed"):
        assert set(server.running.values()) == {hashlib.sha512(b"changed").hexdigest()}
        assert sorted(server.touched) == ["one", "two"], "a pod that is on its way out is left alone"
    assert server.corefile == "before"
    assert set(server.running.values()) == {hashlib.sha512(b"before").hexdigest()}


def test_the_old_corefile_comes_back_when_the_check_fails(server: Server) -> None:
    with pytest.raises(ValueError, match="of the check"), of(server).configured("changed"):
        raise ValueError("of the check")
    assert server.corefile == "before"
    assert set(server.running.values()) == {hashlib.sha512(b"before").hexdigest()}


def test_a_corefile_that_is_refused_is_our_error_and_the_old_one_comes_back(server: Server) -> None:
    server.refuses = "changed"
    with pytest.raises(ArrangementError, match="refused a Corefile"), of(server).configured("changed"):
        pytest.fail("the block is not run")
    assert server.corefile == "before"
    assert set(server.running.values()) == {""}, "they never reloaded, so there is no other version to wait for"


def test_a_verdict_is_kept_where_the_old_corefile_does_not_come_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        monkeypatch.setattr(coredns, "http", partial(server.metrics_of, "changed"))
        raise Mismatch("this", "that")

    stretch(0.005)
    try:
        with pytest.raises(Mismatch, match="expected this") as told, of(server).configured("changed"):
            fail()
    finally:
        stretch(1.0)
    assert "did not take up a Corefile" in told.value.__notes__[0]
    assert server.corefile == "before"


def test_a_replica_that_does_not_hear_of_it_is_our_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        coredns,
        "http",
        lambda _vantage, url: [
            HttpObservation(
                vantage="n1",
                target=url,
                at=0,
                seconds=0,
                outcome=Outcome.ANSWERED,
                status=200,
                body="coredns_reload_failed_total 0\n",
            )
        ],
    )
    stretch(0.005)
    try:
        with pytest.raises(ArrangementError, match="did not take up a Corefile"), of(server).configured("changed"):
            pytest.fail("the block is not run")
    finally:
        stretch(1.0)
    assert server.corefile == "before"
