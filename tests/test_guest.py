"""A guest: started without a way out or a trace, told what to run, and known from inside."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from clusters.errors import MachineError
from clusters.guest import host, init, inside
from clusters.progress import LineProgress

GUEST = """\
processor\t: 0
vendor_id\t: User Mode Linux
host\t\t: Linux builder 6.18.44 #1 SMP x86_64 GNU/Linux
bogomips\t: 5134.74
"""


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(GUEST)
    return path


def test_a_guest_is_known_by_its_kernel_and_says_that_its_times_mean_nothing(cpuinfo: Path) -> None:
    assert inside.is_guest(cpuinfo)
    told = inside.conditions(cpuinfo)
    assert "User Mode Linux guest" in told["machine"]
    assert "6.18.44" in told["machine"]
    assert "say nothing" in told["times"]


def test_another_machine_says_nothing_of_guests(cpuinfo: Path, tmp_path: Path) -> None:
    cpuinfo.write_text(GUEST.replace("User Mode Linux", "GenuineIntel"))
    assert not inside.is_guest(cpuinfo)
    assert inside.conditions(cpuinfo) == {}
    assert not inside.is_guest(tmp_path / "none")


def test_nothing_of_a_guest_reaches_a_network_or_outlives_us(tmp_path: Path) -> None:
    command = host.guest(Path("/cache/linux"), tmp_path / "runs" / "a b" / "guest")

    assert command[1:3] == ["--pdeathsig", "KILL"]
    assert {"--net", "--pid", "--mount", "--kill-child"} < set(command)
    assert not any(word.startswith(("eth", "vec")) for word in command), "a network device of User Mode Linux"
    # Only the run's folder, and not the guest's own below it, may be written to; a space in it does no harm.
    assert str(tmp_path / "runs" / "a b") in command
    assert f"'{tmp_path}/runs/a b/guest'" in next(word for word in command if word.startswith("#!"))


def test_only_the_named_folder_can_be_written_to(tmp_path: Path) -> None:
    """The real mounts, with a shell in the guest's place: of this machine, everything else is read only."""
    writable, other = tmp_path / "run", tmp_path / "other"
    for folder in (writable, other):
        folder.mkdir()
    namespaces = ["unshare", "--map-root-user", "--mount", "--propagation", "private"]
    if subprocess.run([*namespaces, "mount", "-t", "tmpfs", "x", "/run"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces for this user")
    script = f"echo kept > {writable}/file; echo lost > {other}/file; ls /run/guest; cat /run/guest/init"
    done = subprocess.run(
        [*namespaces, "/bin/sh", "-c", host.SCRIPT, "guest", str(writable), "1000000", "first", "sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (writable / "file").read_text() == "kept\n", done.stderr
    assert not (other / "file").exists()
    assert done.stdout == "init\nfirst\n"


def test_a_guests_command_finds_the_cache_and_keeps_its_state_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADTEST_CACHE", "/cache")
    told = host.carried({"ROADTEST_COMMAND": "./noxw", "ROADTEST_STATE": "/mine", "SECRET": "x", "HOME": "/home/me"})
    assert told["ROADTEST_COMMAND"] == "./noxw"
    assert told["ROADTEST_CACHE"] == "/cache"
    assert told["ROADTEST_STATE"].startswith("/run/")
    assert "SECRET" not in told


def test_what_the_kernel_says_is_kept_and_what_the_command_says_is_passed_on(
    capfdbinary: pytest.CaptureFixture,
) -> None:  # type: ignore[type-arg]
    kernel, said = io.BytesIO(), io.StringIO()
    mark = host.MARK.encode() + b"\n"
    lines = iter([b"booting\n", mark, b"1 of 2\n", b"2 of 2\n", mark, b"halted\n"])
    host.pass_on(lines, kernel, LineProgress(said))
    assert kernel.getvalue() == b"booting\n" + mark + b"halted\n"
    assert "the guest has booted" in said.getvalue()
    assert capfdbinary.readouterr().out == b"1 of 2\n2 of 2\n"


def test_a_guest_that_nobody_listens_to_any_more_is_killed() -> None:
    began = time.monotonic()
    with closing(host.output(["/bin/sh", "-c", "printf 'one\\r\\n'; exec sleep 60"])) as lines:
        assert next(lines) == b"one\n"
    assert time.monotonic() - began < 30


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What vm.max_map_count is, on a machine of its own."""
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    path = tmp_path / "max_map_count"
    path.write_text("65530\n")
    monkeypatch.setattr(host, "MAP_COUNT", path)
    return path


def test_the_setting_is_raised_for_guests_and_put_back_after_the_last(setting: Path) -> None:
    first, second = (host.enough_maps(setting) for _ in range(2))
    with first:
        assert int(setting.read_text()) == host.MAPS
        second.__enter__()
        assert int(setting.read_text()) == host.MAPS
    assert int(setting.read_text()) == host.MAPS, "the second guest still runs"
    second.__exit__(None, None, None)
    assert setting.read_text() == "65530\n"


def test_the_setting_is_put_back_also_after_a_guest_that_was_killed(setting: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from clusters.guest import host
with host.enough_maps(Path({str(setting)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert int(setting.read_text()) == host.MAPS
    with host.enough_maps(setting):
        pass
    assert setting.read_text() == "65530\n"


@pytest.mark.parametrize("to", ["70000\n", "2097152\n"])
def test_a_setting_that_somebody_changed_meanwhile_is_left_alone(setting: Path, to: str) -> None:
    with host.enough_maps(setting):
        setting.write_text(to)
    assert setting.read_text() == to
    with host.enough_maps(setting):
        pass
    assert setting.read_text() == to


@pytest.mark.usefixtures("setting")
def test_a_guest_that_ended_early_is_an_error_that_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.system_packages, "ensure", lambda *_: None)
    monkeypatch.setattr(host.kernel, "obtain", lambda _: Path("/cache/linux"))
    monkeypatch.setattr(host, "guest", lambda *_: ["/bin/sh", "-c", "echo Kernel panic; exit 1"])
    with pytest.raises(MachineError, match=r"ended before its command did.*kernel\.log"):
        host.run(["true"], tmp_path / "run", LineProgress(io.StringIO()))
    assert (tmp_path / "run" / "guest" / "kernel.log").read_text() == "Kernel panic\n"
    assert [path.name for path in (tmp_path / "run" / "guest").iterdir()] == ["kernel.log"]


@pytest.mark.parametrize(
    ("function", "answer", "told"),
    [
        ("platform.machine", "aarch64", "runs on Linux on x86-64, and this is Linux aarch64"),
        ("os.geteuid", 1000, "needs root"),
        ("clusters.guest.host.free_memory", 10**9, "needs 4.3 GB of memory, and 1.0 GB are free"),
        ("clusters.guest.host.is_guest", True, "is a User Mode Linux guest already"),
    ],
)
def test_why_no_guest_can_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: object, told: str
) -> None:
    for name, usual in (
        ("platform.machine", "x86_64"),
        ("os.geteuid", 0),
        ("clusters.guest.host.free_memory", 10**11),
        ("clusters.system_packages.find", "/usr/bin/x"),
    ):
        monkeypatch.setattr(name, lambda *_, answer=usual: answer)
    assert host.hindrance() == ""
    monkeypatch.setattr(function, lambda *_: answer)
    assert told in host.hindrance()
    assert host.hindrance().endswith(".")


def test_without_its_kernel_and_without_apt_no_guest_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADTEST_CACHE", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("clusters.guest.host.free_memory", lambda: 10**11)
    monkeypatch.setattr("clusters.system_packages.find", lambda _: "/usr/bin/x")
    assert host.hindrance() == "", "apt-get fetches its sources"
    monkeypatch.setattr("clusters.system_packages.find", lambda name: "" if name == "apt-get" else "/usr/bin/x")
    assert "its kernel is not in the cache" in host.hindrance()


def test_process_1_passes_on_output_and_status_and_asks_for_every_childs_end(tmp_path: Path) -> None:
    orders = {
        "mark": "mark",
        "command": ["/bin/sh", "-c", "(sleep 0.1 &) ; echo told $WORD; exit 3"],
        "environment": {"WORD": "you"},
        "folder": str(tmp_path),
    }
    program = f"import runpy; m = runpy.run_path({init.__file__!r}); print('status', m['obey']({orders!r}))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "mark\ntold you\nmark\nstatus 3\n"
