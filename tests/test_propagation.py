"""What is timed is the way of a change, to the question; figures of few samples say what they do not know."""

from __future__ import annotations

import argparse
import math
import os
import threading
import time

import pytest
import urllib3
from dns.exception import DNSException
from kubernetes.client.exceptions import ApiException
from scipy import special

from clusters.errors import ClusterError
from conformance.cell import broke_off
from fixtures.vantages import NetnsVantage
from propagation import objects, options, ports, turns, urgency, watching
from propagation.__main__ import in_words
from propagation.addresses import in_turn, static_band
from propagation.figures import quantiles, ranks, unbounded
from propagation.measuring import void
from propagation.own_histogram import at_most, between, buckets, is_at_rest, pending
from propagation.ports import Ports
from propagation.turns import Question, Turn, settled, turn_of
from propagation.watching import Watch
from tests.miniatures.ports import refusing_port, udp_server
from tests.vantages import HERE

VANTAGE = NetnsVantage(HERE)


def is_right(answer: bytes) -> bool:
    return answer == b"second"


def watch_of(port: int) -> Watch:
    return Watch(VANTAGE, Ports(), ("127.0.0.1", port), b"hostname", is_right)


def test_a_change_is_timed_from_its_acknowledgement_to_the_first_right_and_the_last_wrong_answer() -> None:
    changed = threading.Event()
    with (
        udp_server(lambda _: b"second" if changed.is_set() else b"first") as port,
        watch_of(port) as watch,
    ):
        timer = threading.Timer(0.3, changed.set)
        timer.start()
        turn = watch.acknowledged()
    assert 0.2 < turn.last_wrong <= turn.first_right < 2.0
    assert turn.largest_gap >= 0.9 * turns.EVERY_SECONDS


def test_what_is_seen_before_its_acknowledgement_counts_below_zero() -> None:
    changed = threading.Event()
    with (
        udp_server(lambda _: b"second" if changed.is_set() else b"first") as port,
        watch_of(port) as watch,
    ):
        changed.set()
        time.sleep(0.3)
        turn = watch.acknowledged()
    assert turn.first_right < -0.1


def test_an_answer_that_falls_back_into_the_old_is_wrong_until_the_last_time() -> None:
    entered: list[float] = []

    def wavering(_: bytes) -> bytes:
        after = time.monotonic() - entered[0] if entered else 0.0
        return b"second" if 0.15 < after < 0.25 or after > 0.5 else b"first"

    with udp_server(wavering) as port, watch_of(port) as watch:
        entered.append(time.monotonic())
        turn = watch.acknowledged()
    assert turn.last_wrong > turn.first_right


def test_what_is_there_before_the_change_is_no_change() -> None:
    with udp_server(b"second") as port, pytest.raises(ClusterError, match="before the change was made"), watch_of(port):
        pytest.fail("the context was entered")


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refusing"])
def test_a_change_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    monkeypatch.setattr(watching, "GIVE_UP_SECONDS", 0.3)
    with udp_server(None) as open_port:
        port = open_port if silent else refusing_port()
        with watch_of(port) as watch, pytest.raises(ClusterError, match=r"not seen at 127\.0\.0\.1 within 0\.3 s"):
            watch.acknowledged()


def test_a_watch_whose_change_was_refused_asks_no_more() -> None:
    heard: list[bytes] = []
    with udp_server(b"first", heard) as port:
        with pytest.raises(KeyError), watch_of(port):
            raise KeyError
        time.sleep(0.1)
        count = len(heard)
        time.sleep(0.2)
        assert len(heard) == count


def test_each_question_comes_from_a_port_of_its_own() -> None:
    changed = threading.Event()
    sources: list[int] = []
    given = Ports()
    with udp_server(lambda _: b"second" if changed.is_set() else b"first", sources=sources) as port:
        for _ in range(2):
            changed.clear()
            with Watch(VANTAGE, given, ("127.0.0.1", port), b"hostname", is_right) as watch:
                changed.set()
                watch.acknowledged()
    assert len(sources) > 2 * turns.RIGHT_IN_A_ROW
    assert len(set(sources)) == len(sources)


def test_urgency_ends_with_what_is_urgent() -> None:
    with urgency.urgent():
        inside = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert ("SCHED_RR" in urgency.told()) == (inside == os.SCHED_RR)


def test_ports_are_enough_for_the_questions_of_their_time() -> None:
    assert (ports.LAST - ports.FIRST + 1) * turns.EVERY_SECONDS > ports.REUSED_SECONDS


def test_a_port_is_not_given_again_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "REUSED_SECONDS", 0.3)
    given = Ports(ports.FIRST, ports.FIRST + 2)
    began = time.monotonic()
    for _ in range(4):
        given.socket("127.0.0.1").close()
    assert time.monotonic() - began >= 0.3


def questions(*answers: bool | None, every: float = 0.004) -> list[Question]:
    """One after another; None: no answer."""
    return [Question(sent=n * every, right=bool(one), done=one is not None) for n, one in enumerate(answers)]


def test_a_question_without_an_answer_is_wrong_as_soon_as_it_is_old() -> None:
    right = [True] * turns.RIGHT_IN_A_ROW
    old = [*right, *[True] * 26]
    assert settled(questions(*old), now=76 * 0.004)
    assert not settled(questions(*right), now=50 * 0.004), "the young ones have not been heard yet"
    unanswered = questions(False, *[True] * 20, None, *old)
    assert settled(unanswered, now=98 * 0.004)
    turn = turn_of(unanswered, 0.0, 98 * 0.004)
    assert (turn.last_wrong, turn.unanswered) == (pytest.approx(21 * 0.004), 1)
    assert not settled(questions(*right, None, *[True] * 40), now=91 * 0.004)


def test_a_gap_blurs_only_what_changes_there() -> None:
    there, elsewhere = (questions(False, False, True, True, True) for _ in range(2))
    for one in there[2:]:
        one.sent += 0.06
    for one in elsewhere[4:]:
        one.sent += 0.06
    seen = turn_of(there, 0.0, 1.0), turn_of(elsewhere, 0.0, 1.0)
    assert [turn.blurred for turn in seen] == [True, False]
    assert [turn.largest_gap for turn in seen] == [pytest.approx(0.064)] * 2


def test_what_takes_long_is_not_blurred_by_a_tenth_of_it() -> None:
    """What was seen is right but for the gap."""

    def turn(gap: float) -> Turn:
        asked = questions(*[False] * 250, *[True] * 10)
        for one in asked[250:]:
            one.sent += gap
        return turn_of(asked, 0.0, 2.0)

    assert (turn(0.09).first_right, turn(0.09).blurred) == (pytest.approx(1.09), False)
    assert turn(0.12).blurred


def test_figures_of_a_sender_that_stood_still_are_void() -> None:
    clear, blurred = (Turn(first_right=0.1, last_wrong=0.1, largest_gap=0.1, blurred=one) for one in (False, True))
    assert not void([*[clear] * 9, blurred])
    assert "In 2 of 10 turns" in void([*[clear] * 8, blurred, blurred])


@pytest.mark.parametrize(
    ("subnet", "count", "first", "last"),
    [
        ("10.96.0.0/16", 256, "10.96.0.1", "10.96.1.0"),
        ("10.96.0.0/22", 64, "10.96.0.1", "10.96.0.64"),
        ("10.96.0.0/25", 16, "10.96.0.1", "10.96.0.16"),
        ("10.96.0.0/28", 14, "10.96.0.1", "10.96.0.14"),
        ("fd00:96::/108", 256, "fd00:96::1", "fd00:96::100"),
    ],
)
def test_measured_services_take_the_static_band(subnet: str, count: int, first: str, last: str) -> None:
    band = static_band(subnet)
    assert (len(band), band[0], band[-1]) == (count, first, last)


def test_addresses_are_free_when_they_are_asked_for_and_come_again_in_turn() -> None:
    taken = {"b"}
    given = in_turn(["a", "b", "c"], taken.__contains__)
    assert [next(given) for _ in range(3)] == ["a", "c", "a"]
    taken.add("c")
    taken.remove("b")
    assert [next(given) for _ in range(3)] == ["b", "a", "b"]
    taken.update("ab")
    with pytest.raises(ClusterError, match="No cluster IP of the 3 from a to c is free"):
        next(given)


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


REST = """
kubeproxy_sync_proxy_rules_endpoint_changes_pending %d
kubeproxy_sync_proxy_rules_service_changes_pending 0
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} 1.7953029706610293e+09
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"} 1.7953029632491617e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} %s
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.7953029652719727e+09
"""


def test_kube_proxy_rests_once_the_sync_that_was_queued_last_has_ended() -> None:
    assert is_at_rest(REST % (0, "1.7953029707199512e+09"))
    assert not is_at_rest(REST % (1, "1.7953029707199512e+09"))
    assert not is_at_rest(REST % (0, "1.7953029706610290e+09")), "nothing is pending: the sync has begun"
    lines = (REST % (0, "1.8e+09")).splitlines()
    unsynced = "\n".join(line for line in lines if 'last_timestamp_seconds{ip_family="IPv6' not in line)
    assert not is_at_rest(unsynced)


@pytest.mark.parametrize("name", ["endpoint_changes_pending", "last_queued_timestamp", "last_timestamp"])
def test_a_kube_proxy_without_these_metrics_cannot_be_waited_for(name: str) -> None:
    text = "\n".join(line for line in (REST % (0, "1.8e+09")).splitlines() if name not in line)
    with pytest.raises(ClusterError, match=rf"do not have kubeproxy_sync_proxy_rules_{name}"):
        is_at_rest(text)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClusterError("Cause.", "Cure."), "Cause. Cure."),
        (ApiException(status=403, reason="No"), "The API server refused what the measurement needs: status 403."),
        (urllib3.exceptions.HTTPError("it is gone"), "The API server did not answer: it is gone."),
        (DNSException("what?"), "The cluster's DNS answered what cannot be read: what?."),
        (KeyError("who"), "The measurement broke off: KeyError: 'who'."),
    ],
)
def test_every_error_is_told_in_a_sentence(error: Exception, words: str) -> None:
    assert in_words(error) == words


def test_a_measurement_that_broke_off_is_told_in_the_cells_end() -> None:
    assert "status 2" in broke_off("propagation", 2)
    assert "signal 9" in broke_off("propagation", -9)
    assert not broke_off("propagation", 0)
    assert not broke_off("suites", 2), "its results say why"


def test_hand_made_slices_say_when_they_were_changed_as_kubernetes_own_do() -> None:
    found = objects.endpoint_slice("a", "192.0.2.1", "192.0.2.2")
    assert found["addressType"] == "IPv4"
    assert found["metadata"]["annotations"][objects.TRIGGERED].endswith("Z")
    assert objects.endpoint_slice("a", "2001:db8::1")["addressType"] == "IPv6"


def test_the_options_are_said_again_as_words() -> None:
    parser = argparse.ArgumentParser()
    options.add(parser)
    said = ["--services", "10,20", "--changes", "7", "--gateways", "3", "--change", "dns", "--change", "gateway"]
    asked = parser.parse_args(said)
    assert options.words(asked.services, asked.changes, asked.change, asked.gateways) == said
    with pytest.raises(SystemExit):
        parser.parse_args(["--services", "ten"])


def test_gateways_are_few_for_each_may_get_a_proxy() -> None:
    parser = argparse.ArgumentParser()
    options.add(parser)
    assert parser.parse_args([]).gateways == options.GATEWAYS == 10
    assert parser.parse_args(["--changes", "400"]).gateways == 10
    with pytest.raises(SystemExit):
        parser.parse_args(["--gateways", str(options.MOST_GATEWAYS + 1)])
