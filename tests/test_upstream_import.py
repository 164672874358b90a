"""What upstream's tests tell, read without a cluster: their JUnit file, their output, and which of ours they match."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.components.catalogue import catalogue
from conformance.upstream import images, mapping, outcomes, progress, records
from conformance.upstream.outcomes import BROKEN_OFF, NotWhole
from conformance.upstream.progress import Ended
from conformance.upstream.running import Run
from conformance.upstream.selection import Test as UpstreamTest
from fixtures.catalogue import catalogue as features
from reports.model import Verdict
from tests.miniatures.e2e_program import DASHES, LABELS, PLACE, TESTS, case, failure, junit

SHINE, DIM, HUM = TESTS
CHOSEN = [UpstreamTest(name, f"https://example.com/{number}") for number, name in enumerate(TESTS)]
FIXED = {"cell": "iptables-k8s", "suite": "k8s", "version": "v1.36.3", "started": "2026-03-01T08:00:00.000Z"}


def written(folder: Path, text: str) -> Path:
    path = folder / "junit_01.xml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_status_becomes_the_verdict_that_it_means(tmp_path: Path) -> None:
    statuses = {
        "passed": Verdict.PASSED,
        "failed": Verdict.FAILED,
        "timedout": Verdict.FAILED,
        "panicked": Verdict.ERROR,
        "skipped": Verdict.SKIPPED,
        "pending": Verdict.SKIPPED,
        "interrupted": Verdict.SKIPPED,
        "something new": Verdict.ERROR,
    }
    cases = [case(status, status, inside="" if status == "passed" else failure("no light")) for status in statuses]
    found = outcomes.read(written(tmp_path, junit(*cases))).tests
    assert {name: one.verdict for name, one in found.items()} == statuses
    assert all(one.reason for one in found.values() if one.verdict is not Verdict.PASSED)


def test_a_test_that_ran_when_our_own_time_for_all_was_over_did_not_fail(tmp_path: Path) -> None:
    told = failure("A suite timeout occurred")
    one = outcomes.read(written(tmp_path, junit(case(DIM, "timedout", inside=told)))).tests[DIM]
    assert (one.verdict, one.reason) == (Verdict.SKIPPED, outcomes.BROKEN_OFF)


def test_a_reason_is_what_the_test_says_without_the_places_in_its_code(tmp_path: Path) -> None:
    path = written(tmp_path, junit(case(DIM, "failed", 2.5, failure("wanted dark,\ngot light", "STEP: dim it"))))
    one = outcomes.read(path).tests[DIM]
    assert (one.reason, one.seconds) == ("wanted dark,\ngot light", 2.5)
    assert "lamp.go:9" in one.story
    assert "STEP: dim it" in one.story


def test_a_test_whose_image_no_node_has_is_an_error_of_ours(tmp_path: Path) -> None:
    log = "Failed to pull image &quot;registry.k8s.io/lamp:1&quot;: no route"
    one = outcomes.read(written(tmp_path, junit(case(DIM, "failed", inside=failure("timed out", log))))).tests[DIM]
    assert one.verdict is Verdict.ERROR
    assert "its image registry.k8s.io/lamp:1 is on no node" in one.reason


def test_a_test_that_skips_itself_says_why(tmp_path: Path) -> None:
    inside = '<skipped message="skipped - needs two lamps"></skipped>'
    assert outcomes.read(written(tmp_path, junit(case(HUM, "skipped", inside=inside)))).tests[HUM].reason == (
        "needs two lamps"
    )


def test_a_failed_preparation_is_told_as_trouble(tmp_path: Path) -> None:
    failed = junit().replace('status="passed"', 'status="failed"')
    text = failed.replace("></testcase>", f">{failure('no node')}</testcase>")
    assert outcomes.read(written(tmp_path, text)).trouble == "[SynchronizedBeforeSuite] failed: no node"


@pytest.mark.parametrize("text", ["", "<testsuites><testsuite>", junit(case(SHINE, "passed"))[:-40]])
def test_half_a_file_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotWhole, match=r"junit_01\.xml is not whole"):
        outcomes.read(written(tmp_path, text))


def test_no_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotWhole, match="was never written"):
        outcomes.read(tmp_path / "junit_01.xml")


def test_what_was_seen_is_kept_where_the_file_is_not_whole(tmp_path: Path) -> None:
    seen = {SHINE: Ended(SHINE, Verdict.PASSED, 1.0), DIM: Ended(DIM, Verdict.FAILED, 2.0)}
    run = Run(status=137, ended=seen, last_words="killed")
    told = records.gather(written(tmp_path, "<testsuites>"), run, CHOSEN)
    assert [told.outcomes[name].verdict for name in TESTS] == [Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED]
    assert told.outcomes[HUM].reason == BROKEN_OFF
    assert "status 137" in told.trouble
    assert "not whole" in told.trouble
    assert "killed" in told.trouble


def test_tests_that_never_ran_are_trouble_and_no_success(tmp_path: Path) -> None:
    told = records.gather(written(tmp_path, junit(case(SHINE, "passed"))), Run(status=1, ended={}), CHOSEN)
    assert told.trouble == "the tests broke off before their end: not all of them ran"


def test_a_whole_run_is_no_trouble(tmp_path: Path) -> None:
    cases = [case(SHINE, "passed"), case(DIM, "failed", inside=failure("no")), case(HUM, "passed")]
    assert records.gather(written(tmp_path, junit(*cases)), Run(status=1, ended={}), CHOSEN).trouble == ""


def test_a_record_tells_all_and_how_to_run_it_again(tmp_path: Path) -> None:
    cases = [case(SHINE, "passed"), case(DIM, "failed", 2.5, failure("no light", "log")), case(HUM, "passed")]
    told = records.gather(written(tmp_path, junit(*cases)), Run(status=1, ended={}), CHOSEN)
    recorder = records.Recorder(FIXED, ["./noxw", "--"], tmp_path / "upstream/x", tmp_path)
    shine, dim, _ = (recorder.witness(test, told.outcomes[test.name]) for test in CHOSEN)
    assert (shine.verdict, shine.reason, shine.evidence, shine.source) == (
        Verdict.PASSED, "", [], "https://example.com/0",
    )  # fmt: skip
    assert (dim.verdict, dim.reason, dim.seconds, dim.cell) == (Verdict.FAILED, "no light", 2.5, "iptables-k8s")
    assert dim.reproduce == r"./noxw -- --focus '\[sig-toys\] Lamp should dim \[LinuxOnly\] \[Conformance\]'"
    assert "log" in (tmp_path / dim.evidence[0].path).read_text(encoding="utf-8")


SERIAL = f"""
{DASHES}
{SHINE} {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:7
  STEP: light it @ 03/01/26
• [0.736 seconds]
{DASHES}
SSSSSSSS
{DASHES}
{DIM} {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:9
  [FAILED] in [It] - lamp.go:9
• [FAILED] [2.500 seconds]
{PLACE} [It] dim [LinuxOnly] [Conformance] {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:9
{DASHES}
{HUM} {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:11
S [SKIPPED] [0.001 seconds]
"""
PARALLEL = f"""
{DASHES}
[SynchronizedBeforeSuite] PASSED [0.047 seconds]
[SynchronizedBeforeSuite]
{DASHES}
• [0.736 seconds]
{SHINE} {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:7

  Timeline >>
  STEP: light it @ 03/01/26
  << Timeline
{DASHES}
• [FAILED] [2.500 seconds]
{PLACE} [It] dim [LinuxOnly] [Conformance] {LABELS}
k8s.io/kubernetes/test/e2e/toys/lamp.go:9
{DASHES}
S [SKIPPED] [0.001 seconds]
{PLACE} [BeforeEach] hum {LABELS}
"""


@pytest.mark.parametrize("output", [SERIAL, PARALLEL], ids=["serial", "parallel"])
def test_every_end_is_read_from_the_output(output: str) -> None:
    reader = progress.Reader(list(TESTS))
    seen = [ended for line in output.splitlines() if (ended := reader.read(line))]
    assert seen == [
        Ended(SHINE, Verdict.PASSED, 0.736),
        Ended(DIM, Verdict.FAILED, 2.5),
        Ended(HUM, Verdict.SKIPPED, 0.001),
    ]


def test_the_running_test_is_known_where_one_runs_at_a_time() -> None:
    reader = progress.Reader(list(TESTS))
    for line in SERIAL.splitlines()[:4]:
        reader.read(line)
    assert reader.running == SHINE


def test_every_feature_of_the_mapping_is_in_the_catalogue() -> None:
    named = {name for suite in mapping.FILES for found in mapping.mapping(suite).values() for name in found}
    assert sorted(named - features().keys()) == []


def test_a_test_is_matched_whatever_its_tags() -> None:
    name = "[sig-network] Services should serve multiport endpoints from pods"
    assert (
        mapping.features("k8s", f"{name} [LinuxOnly] [Conformance]")
        == mapping.features("k8s", name)
        == ["svc.multiport.named"]
    )
    assert mapping.features("k8s", "[sig-network] Services should do what nobody judges [Conformance]") == []


def test_a_name_that_upstream_no_longer_has_is_found() -> None:
    every = [f"{name} [Conformance]" for name in mapping.mapping("k8s")]
    assert mapping.unknown("k8s", every) == []
    assert mapping.unknown("k8s", every[1:]) == [mapping.bare(every[0])]


@pytest.mark.parametrize(
    "text",
    ['[same]\n"[sig-a] x [Slow]" = []', '[same]\n"x" = "svc"', '[other]\n"x" = []', "same = ", "[same]\nx = [1]"],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"mapping\.toml: "):
        mapping.read(path)


def test_every_image_has_a_recipe_and_a_name() -> None:
    for suite, names in catalogue().upstream_images.items():
        assert set(images.known(suite)) == set(names.values())


def test_a_program_that_wants_other_images_is_refused() -> None:
    wanted = [*images.known("k8s"), catalogue().images["agnhost"], "registry.k8s.io/e2e-test-images/kitten:1.8"]
    images.check(wanted)
    with pytest.raises(Exception, match=r"does not know the images .*pause:3\.10\.2"):
        images.check([name for name in wanted if "pause" not in name])
