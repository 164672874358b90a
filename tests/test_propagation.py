"""What is timed is the way of a change, to the question; figures of few samples say what they do not know."""

from __future__ import annotations

import argparse
import math
import threading
import time

import pytest
from scipy import special

from clusters.errors import ClusterError
from fixtures.vantages import NetnsVantage
from propagation import objects, options, watching
from propagation.figures import quantiles, ranks, unbounded
from propagation.own_histogram import at_most, between, buckets, pending
from propagation.watching import Watch
from tests.miniatures.ports import refusing_port, udp_server
from tests.vantages import HERE

VANTAGE = NetnsVantage(HERE)


def is_right(answer: bytes) -> bool:
    return answer == b"second"


def test_a_change_is_timed_from_its_acknowledgement_to_the_first_right_and_the_last_wrong_answer() -> None:
    changed = threading.Event()
    with udp_server(lambda _: b"second" if changed.is_set() else b"first") as port:
        watch = Watch(VANTAGE, "127.0.0.1", port, b"hostname", is_right)
        time.sleep(0.1)
        timer = threading.Timer(0.3, changed.set)
        timer.start()
        turn = watch.acknowledged()
    assert 0.2 < turn.last_wrong <= turn.first_right < 2.0


def test_what_is_seen_before_its_acknowledgement_counts_below_zero() -> None:
    with udp_server(b"second") as port:
        watch = Watch(VANTAGE, "127.0.0.1", port, b"hostname", is_right)
        time.sleep(0.3)
        turn = watch.acknowledged()
    assert turn.first_right < -0.1


def test_an_answer_that_falls_back_into_the_old_is_wrong_until_the_last_time() -> None:
    began = time.monotonic()

    def wavering(_: bytes) -> bytes:
        at = time.monotonic() - began
        return b"second" if 0.15 < at < 0.2 or at > 0.5 else b"first"

    with udp_server(wavering) as port:
        watch = Watch(VANTAGE, "127.0.0.1", port, b"hostname", is_right)
        turn = watch.acknowledged()
    assert turn.last_wrong > turn.first_right


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refusing"])
def test_a_change_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    monkeypatch.setattr(watching, "GIVE_UP_SECONDS", 0.3)
    with udp_server(None) as open_port:
        port = open_port if silent else refusing_port()
        with pytest.raises(ClusterError, match=r"not seen at 127\.0\.0\.1 within 0\.3 s"):
            Watch(VANTAGE, "127.0.0.1", port, b"hostname", is_right).acknowledged()


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [10, 50, 400])
def test_the_ranks_hold_the_quantile_as_often_as_they_say(n: int, share: float) -> None:
    low, high = ranks(n, share)
    missed_below = float(special.bdtr(low - 1, n, share)) if low else 0.0
    missed_above = 1 - float(special.bdtr(high - 1, n, share)) if high <= n else 0.0
    assert missed_below <= 0.025
    assert missed_above <= 0.025


def test_too_few_samples_bound_no_high_quantile() -> None:
    assert unbounded(50) == ["p99"]
    assert unbounded(20) == ["p90", "p99"]
    assert unbounded(400) == []
    found = quantiles([number / 100 for number in range(1, 51)])
    assert found["p50"].low < found["p50"].value == 0.25 < found["p50"].high
    assert found["p99"].high == found["max"].value == 0.5


TEXT = """
# HELP kubeproxy_network_programming_duration_seconds x
kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="0.25"} %d
kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="0.5"} %d
kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} %d
kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv6",le="+Inf"} 0
kubeproxy_sync_proxy_rules_endpoint_changes_pending 2
kubeproxy_sync_proxy_rules_service_changes_pending{ip_family="IPv4"} 1
"""


def test_kube_proxys_own_histogram_is_read_and_subtracted() -> None:
    added = between(buckets(TEXT % (5, 6, 6)), buckets(TEXT % (95, 104, 106)))
    assert added == {0.25: 90, 0.5: 98, math.inf: 100}
    assert (at_most(added, 0.5), at_most(added, 0.98), at_most(added, 0.99)) == (0.25, 0.5, math.inf)
    assert math.isnan(at_most({0.25: 0, math.inf: 0}, 0.5))
    assert pending(TEXT % (0, 0, 0)) == 3


def test_hand_made_slices_say_when_they_were_changed_as_kubernetes_own_do() -> None:
    found = objects.endpoint_slice("a", "192.0.2.1", "192.0.2.2")
    assert found["addressType"] == "IPv4"
    assert found["metadata"]["annotations"][objects.TRIGGERED].endswith("Z")
    assert objects.endpoint_slice("a", "2001:db8::1")["addressType"] == "IPv6"


def test_the_options_are_said_again_as_words() -> None:
    parser = argparse.ArgumentParser()
    options.add(parser)
    asked = parser.parse_args(["--services", "10,20", "--changes", "7", "--change", "dns"])
    assert options.words(asked.services, asked.changes, asked.change) == [
        *("--services", "10,20", "--changes", "7", "--change", "dns"),
    ]
    with pytest.raises(SystemExit):
        parser.parse_args(["--services", "ten"])
