"""Ours is ours, and the rest is pytest's."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from clusters.controllers import describe
from clusters.errors import MachineError, UsageError
from clusters.provider import Classes, ExistingSpec
from conformance import cell
from conformance.cell import suites_command
from conformance.options import parse, parser
from fixtures.catalogue import catalogue
from tests.miniatures.cluster import a_cluster

CELL = ["--run", "runs/x", "--mode", "nftables", "--controller", "traefik"]
CLUSTER = a_cluster()


def test_a_cell_is_named_by_its_mode_and_controller() -> None:
    assert parse("cell", CELL).cell == "nftables-traefik"


def test_selection_goes_to_pytest_as_typed() -> None:
    options = parse("cell", [*CELL, "--load", "none", "-k", "etp", "-m", "smoke"])
    assert options.pytest == ["-k", "etp", "-m", "smoke"]
    assert options.load == "none"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param([], "suites", id="everything"),
        pytest.param(["suites/dns"], "suites/dns", id="a folder"),
        pytest.param(["-k", "etp"], "suites", id="an expression is no path"),
    ],
)
def test_paths_narrow_what_runs(asked: list[str], expected: str) -> None:
    command = suites_command(parse("cell", [*CELL, *asked]), CLUSTER)
    assert [word for word in command if word.startswith("suites")] == [expected]


@pytest.mark.parametrize(
    ("mode", "others", "expected"),
    [
        pytest.param(
            "iptables", ["--among-others"], "the cluster c runs kube-proxy in mode nftables", id="another mode's cell"
        ),
        pytest.param("nftables", ["--among-others"], "", id="its own cell runs"),
        pytest.param("iptables", [], "", id="a cell asked for by name is no other"),
    ],
)
def test_on_a_named_cluster_only_its_modes_cells_run(
    monkeypatch: pytest.MonkeyPatch, mode: str, others: list[str], expected: str
) -> None:
    monkeypatch.setattr("clusters.load", lambda name: CLUSTER)
    asked = parse("cell", ["--run", "runs/x", "--mode", mode, "--cluster", "c", *others])
    assert cell.another_cell(asked) == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param(["-k", "nosuch"], "No check is selected by -k nosuch", id="nothing selected"),
        pytest.param(["suites/nosuch"], "file or directory not found: suites/nosuch", id="no such path"),
        pytest.param(["--nosuch"], "unrecognized arguments: --nosuch", id="an option that pytest does not know"),
        pytest.param(["--feature", "svc.etp.locl"], "There is no feature svc.etp.locl", id="no such feature"),
        pytest.param(["--provider", "kindd"], "There is no provider called 'kindd'", id="no such provider"),
    ],
)
def test_what_cannot_be_run_as_asked_is_refused_before_a_cluster_is_made(
    monkeypatch: pytest.MonkeyPatch, asked: list[str], said: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("clusters.embedded.machine.run_trials", lambda every: None)
    with pytest.raises(UsageError, match=re.escape(said)):
        cell.check(parse("cell", [*CELL, *asked]))


def test_without_root_no_cell_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"needs root.*sudo"):
        cell.check(parse("cell", CELL))


def test_what_the_user_says_to_pytest_wins() -> None:
    command = suites_command(parse("cell", [*CELL, "-n", "0", "-x"]), CLUSTER)
    assert command[-3:] == ["-n", "0", "-x"]
    assert command.index("3") < command.index("0")


def test_what_can_be_run_as_asked_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("clusters.embedded.machine.run_trials", lambda every: None)
    cell.check(parse("cell", [*CELL, "-n", "0", "-x", "-k", "wildcard"]))
    cell.check(parse("cell", [*CELL, "--feature", "svc.etp.local", "-k", "keeps"]))


def test_an_unknown_mode_is_refused_with_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        parse("cell", ["--run", "runs/x", "--mode", "userspace"])
    assert refusal.value.code == 2
    assert "iptables" in capsys.readouterr().err


def test_load_takes_no_selection(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("load", [*CELL, "-k", "etp"])
    assert "there is no option -k" in capsys.readouterr().err


EXISTING = ["--run", "runs/x", "--provider", "existing"]
THEIRS = msgspec.structs.replace(
    CLUSTER, provider="existing", mode="unknown", controllers=["ours"], namespaces=["a", "b", "c"], owned=False
)


def test_an_existing_cluster_says_itself_which_cell_it_is() -> None:
    asked = parse("cell", [*EXISTING, "--kubeconfig", "k", "--client-pod", "--namespace", "a", "--namespace", "b"])
    assert (asked.mode, asked.controller, asked.cell) == ("", "", "existing")
    assert asked.existing == ExistingSpec(kubeconfig=Path("k"), client_pod=True, namespaces=["a", "b"])
    assert cell.fitted(asked, THEIRS).cell == "unknown-ours"
    assert cell.spec(asked).name == "existing-x"


def test_lent_namespaces_bound_the_workers() -> None:
    assert cell.fitted(parse("cell", EXISTING), THEIRS).workers == "2"
    assert cell.fitted(parse("cell", [*EXISTING, "--workers", "1"]), THEIRS).workers == "1"
    assert cell.fitted(parse("cell", [*EXISTING, "--workers", "auto"]), THEIRS).workers == "2"


@pytest.mark.parametrize(
    ("asked", "workers"),
    [
        (["--mode", "iptables", "--controller", "traefik"], "3"),
        (["--mode", "nftables", "--controller", "traefik"], "2"),
        (["--mode", "nftables", "--controller", "traefik", "--workers", "3"], "3"),
    ],
    ids=["whole", "few-checks", "as-asked-for"],
)
def test_few_checks_have_fewer_workers_unless_they_are_asked_for(asked: list[str], workers: str) -> None:
    command = cell.suites_command(parse("cell", ["--run", "runs/a", *asked, "--among-others"]), CLUSTER)
    assert command[command.index("-n") + 1] == workers


@pytest.mark.parametrize(
    ("asked", "nodes"),
    [
        (["--controller", "none"], 3),
        (["--controller", "traefik"], 2),
        (["--controller", "traefik", "-k", "canary"], 2),
        (["--controller", "traefik", "suites/services"], 3),
        (["--controller", "traefik", "--feature", "svc.etp.local"], 3),
        (["--controller", "traefik", "--nodes", "3"], 3),
        (["--controller", "none", "--nodes", "1"], 1),
    ],
)
def test_a_controllers_own_checks_have_fewer_nodes_unless_they_are_asked_for(asked: list[str], nodes: int) -> None:
    assert parse("cell", ["--run", "runs/r", "--mode", "iptables", *asked]).nodes == nodes


def test_no_check_of_a_controller_needs_more_nodes_than_its_cell_has() -> None:
    files = (Path(__file__).parents[1] / "suites").glob("*/test_*.py")
    needing = [path for path in files if "Need.THREE_NODES" in path.read_text("utf-8")]
    features = {word for path in needing for word in re.findall(r'@feature\("([^"]+)"', path.read_text("utf-8"))}
    assert features
    assert {catalogue()[feature].per for feature in features} == {"mode"}


def test_a_mode_that_is_asked_for_is_held_against_the_cluster() -> None:
    asked = parse("cell", [*EXISTING, "--mode", "nftables", "--controller", "traefik"])
    assert cell.spec(asked).existing.mode == "nftables"
    assert cell.spec(asked).controllers == ["traefik"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param(["--kubeconfig", "k"], "are for clusters that are there already. Add --provider existing", id="k"),
        pytest.param(["--dry-run"], "--dry-run is for clusters that are there already", id="dry run"),
    ],
)
def test_what_is_for_existing_clusters_is_refused_for_others(asked: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        cell.check(parse("cell", ["--run", "runs/x", "--provider", "embedded", *asked]))


def test_load_is_sent_to_nobodys_cluster_without_their_word() -> None:
    with pytest.raises(UsageError, match=r"the cluster is not ours: load takes --i-own-this-cluster"):
        cell.check(parse("load", EXISTING))


@pytest.mark.parametrize(
    ("mode", "controller", "left_out"),
    [("iptables", "none", False), ("nftables", "none", True), ("iptables", "traefik", True)],
)
def test_an_existing_cluster_on_record_is_one_cell_of_the_matrix(
    monkeypatch: pytest.MonkeyPatch, mode: str, controller: str, left_out: bool
) -> None:
    monkeypatch.setattr("clusters.load", lambda name: THEIRS)
    words = ["--run", "runs/x", "--mode", mode, "--controller", controller, "--cluster", "c", "--among-others"]
    assert bool(cell.another_cell(parse("cell", words))) is left_out


@pytest.mark.parametrize(
    ("mode", "controller", "words", "expected"),
    [
        pytest.param("nftables", "none", [], ["mode"], id="a mode alone"),
        pytest.param("nftables", "traefik", [], ["controller", cell.BOTH], id="a controller asked for by name"),
        pytest.param("iptables", "traefik", ["--among-others"], ["controller", cell.BOTH], id="in one mode all of it"),
        pytest.param("nftables", "traefik", ["--among-others"], [cell.BOTH], id="in others what the mode may change"),
        pytest.param("nftables", "traefik", ["suites/dns"], [], id="files are what they are"),
        pytest.param("nftables", "none", ["--feature", "ing.host"], [], id="features are what they are"),
        pytest.param("nftables", "traefik", ["-k", "host"], ["controller", cell.BOTH], id="an expression narrows it"),
    ],
)
def test_each_check_is_run_where_it_tells_something_new(
    mode: str, controller: str, words: list[str], expected: list[str]
) -> None:
    asked = parse("cell", ["--run", "runs/x", "--mode", mode, "--controller", controller, *words])
    assert cell.per(asked) == expected
    assert [word for word in cell.pytest_command(asked) if word.startswith("--per=")] == [
        f"--per={what}" for what in expected
    ]


def test_a_modes_own_cell_has_no_controller_and_is_called_as_the_mode() -> None:
    asked = parse("cell", ["--run", "runs/x", "--mode", "nftables", "--controller", "none"])
    assert (asked.cell, cell.spec(asked).controllers) == ("nftables", [])
    assert "controller='none'" in asked.by_name("iptables")


def test_the_record_of_a_cell_names_its_controller_and_how_it_is_set() -> None:
    asked = parse("cell", CELL)
    cluster = msgspec.structs.replace(
        CLUSTER, controllers=["contour", "traefik"], versions={"traefik": "3.7"}, conditions={"kernel": "6.1"}
    )
    told = cell.record(asked, cluster, "")
    described = describe("traefik")
    assert (told.controller, told.controller_title) == ("traefik", described.title)
    assert told.controller_url == described.documentation
    assert described.settings
    for name, why in described.settings.items():
        assert told.conditions[f"traefik {name}"] == why
    assert told.conditions["kernel"] == "6.1"
    alone = cell.record(parse("cell", [*CELL[:-1], "none"]), CLUSTER, "")
    assert (alone.controller_title, alone.conditions) == ("", {})


def test_nothing_is_said_of_how_somebody_elses_controller_is_set() -> None:
    classes = Classes(ingress="ours", ingress_controller="traefik.io/ingress-controller")
    theirs = msgspec.structs.replace(THEIRS, controllers=["traefik"], classes=classes)
    told = cell.record(cell.fitted(parse("cell", EXISTING), theirs), theirs, "")
    assert (told.controller_title, told.conditions) == (describe("traefik").title, {})


def test_load_is_sent_through_a_controller_in_its_own_cell_and_past_it_in_the_modes() -> None:
    through = parse("cell", ["--run", "runs/x", "--mode", "iptables", "--controller", "traefik"])
    assert cell.load_command(through, CLUSTER)[-2:] == ["--target", "controller"]
    past = parse("cell", ["--run", "runs/x", "--mode", "iptables", "--controller", "none"])
    assert "--target" not in cell.load_command(past, CLUSTER)


def test_what_is_judged_in_other_cells_is_said_to_be(tmp_path: Path) -> None:
    words = ["--run", str(tmp_path), "--mode", "nftables", "--controller", "none", "-k", "wildcard_takes_one_label"]
    with pytest.raises(cell.JudgedElsewhereError, match="is not judged per mode"):
        cell.check_selection(parse("cell", words))


@pytest.mark.parametrize(("verb", "told"), [("mutants", True), ("conformance", False)])
def test_a_controller_is_an_option_where_no_cell_is_named(verb: str, told: bool) -> None:
    assert ("--controller NAME" in parser(verb, "").format_help()) is told
