"""What a machine lacks is named, with what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clusters.embedded import cgroups, machine
from clusters.embedded.machine import Trial
from clusters.errors import MachineError
from clusters.provider import ClusterSpec


def test_a_full_disk_is_told_before_anything_is_made(tmp_path: Path) -> None:
    machine.check_disk(tmp_path / "not" / "there" / "yet", needed=1)
    with pytest.raises(MachineError, match=r"GB are free at .* and a cluster may need"):
        machine.check_disk(tmp_path / "not" / "there" / "yet", needed=2**60)


def test_folders_on_one_disk_share_files(tmp_path: Path) -> None:
    assert machine.on_one_file_system(tmp_path / "state" / "x", tmp_path / "cache")
    assert not machine.on_one_file_system(tmp_path / "state", Path("/proc/self"))


def test_too_few_inotify_instances_are_told_with_the_setting() -> None:
    machine.check_inotify(1)
    with pytest.raises(MachineError, match=r"fs\.inotify\.max_user_instances"):
        machine.check_inotify(10**6)


@pytest.fixture
def controllers(tmp_path: Path) -> Path:
    file = tmp_path / "cgroups"
    file.write_text("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t1\t1\t1\npids\t2\t1\t1\ncpu\t3\t1\t0\n")
    return file


def test_a_controller_that_is_off_is_named(tmp_path: Path, controllers: Path) -> None:
    root = tmp_path / "cgroup"
    for name in cgroups.NEEDED:
        (root / name).mkdir(parents=True)

    with pytest.raises(MachineError, match="cgroup controller cpu is not available"):
        machine.check_cgroups(root, controllers)
    controllers.write_text(controllers.read_text().replace("cpu\t3\t1\t0", "cpu\t3\t1\t1"))
    machine.check_cgroups(root, controllers)


def test_a_controller_missing_from_the_unified_hierarchy_is_named(tmp_path: Path, controllers: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    with pytest.raises(MachineError, match="cgroup controller pids is not available"):
        machine.check_cgroups(tmp_path, controllers)
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    machine.check_cgroups(tmp_path, controllers)


def test_ipvs_is_tried_only_where_it_is_asked_for(tmp_path: Path) -> None:
    features = {
        mode: [trial.feature for trial in machine.trials(ClusterSpec(name="a", mode=mode), tmp_path)]
        for mode in ("iptables", "nftables", "ipvs")
    }

    assert any("IP_VS" in feature for feature in features["ipvs"])
    assert not any("IP_VS" in feature for feature in [*features["iptables"], *features["nftables"]])
    # Process ids come last in every mode: after them, the thread that tries cannot start anything.
    assert {features[mode][-1] for mode in features} == {"process ids and a /proc of its own"}


def test_a_kernel_without_nftables_is_asked_for_iptables_instead(tmp_path: Path) -> None:
    asked = [trial.feature for trial in machine.trials(ClusterSpec(name="a", mode="ipvs"), tmp_path, nft=False)]
    assert machine.NFT.feature not in asked
    assert machine.IPTABLES.feature in asked
    both = ClusterSpec(name="a", mode="nftables", families=["IPv4", "IPv6"])
    assert {machine.NFT.feature, machine.NFT6.feature} < {trial.feature for trial in machine.trials(both, tmp_path)}


def test_the_first_failing_trial_is_named_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.kernel, "unshare", lambda flags: None)
    monkeypatch.setattr(machine.kernel, "mount", lambda *words, **more: None)

    def refused() -> None:
        raise subprocess.CalledProcessError(1, ["nft"], stderr=b"Warning: old\n\nError: Could not process rule\nmore\n")

    trials = [Trial("a", "", lambda: None), Trial("an nftables NAT table", "Load nf_tables.", refused)]
    with pytest.raises(MachineError) as told:
        machine.run_trials(trials)

    assert told.value.cause == "This machine lacks an nftables NAT table: Warning: old; Error: Could not process rule."
    assert told.value.cure == "Load nf_tables."


def test_namespaces_that_are_not_allowed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_flags: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(machine.kernel, "unshare", refused)
    with pytest.raises(MachineError, match="allows no network or mount namespaces: Operation not permitted"):
        machine.run_trials([])


def test_who_is_not_root_is_told_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match="needs root") as told:
        machine.check_user()
    assert "sudo" in str(told.value)
