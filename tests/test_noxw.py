"""noxw in a small checkout of its own, with a miniature nox that prints what it was given; no network."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

NOXW = Path(__file__).parent.parent / "noxw"
LIMIT = 60.0
MINIATURE = "import json, os, sys; print(json.dumps({'words': sys.argv[1:], 'python': sys.executable}))\n"


class Checkout:
    """A folder with noxw, a lock, and an index that holds one wheel."""

    def __init__(self, root: Path, *, right_hash: bool = True) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir(parents=True)
        shutil.copy2(NOXW, root / "noxw")
        digest = _wheel(self.wheels / "nox-1.0-py3-none-any.whl")
        (root / "requirements").mkdir()
        self.lock = root / "requirements" / "noxw.txt"
        self.lock.write_text(f"nox==1.0 \\\n    --hash=sha256:{digest if right_hash else 64 * '0'}\n")

    def start(self, *words: str, path: str = os.defpath, **environment: str) -> subprocess.Popen[str]:
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.Popen(
            [sys.executable, str(self.root / "noxw"), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
            env={"PATH": path, "HOME": str(self.root), **pip, **environment},
        )  # fmt: skip

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        return ended(self.start(*words, **environment))

    def home(self) -> Path:
        """Where its environment belongs."""
        script = "import runpy, sys; print(runpy.run_path(sys.argv[1])['digest']())"
        done = subprocess.run([sys.executable, "-c", script, self.root / "noxw"], stdout=subprocess.PIPE, check=True)
        return self.root / ".nox" / f"noxw-{done.stdout.decode().strip()}"

    def homes(self) -> list[Path]:
        return [path for path in (self.root / ".nox").glob("noxw-*") if path.is_dir()]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


def _wheel(path: Path) -> str:
    files = {
        "nox/__init__.py": "",
        "nox/__main__.py": MINIATURE,
        "nox-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: nox\nVersion: 1.0\n",
        "nox-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text)}\n"
        archive.writestr("nox-1.0.dist-info/RECORD", record + "nox-1.0.dist-info/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Two processes at once have asked for an environment where an unusable one and half of one were left."""
    checkout = Checkout(tmp_path_factory.mktemp("made"))
    home = checkout.home()
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to("/nowhere/python3")
    home.with_name(f"{home.name}.draft-1").mkdir()
    for process in [checkout.start("-l"), checkout.start("-l")]:
        status, out, err = ended(process)
        assert status == 0, err
        assert json.loads(out)["words"][-1] == "-l"
    return checkout


def test_two_at_once_make_one_environment_and_clean_up(made: Checkout) -> None:
    assert made.homes() == [made.home()]


def test_everything_is_passed_on_from_any_folder(made: Checkout) -> None:
    status, out, err = made.run("-s", "conformance", "--", "-k", "two words")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert told["words"] == ["--noxfile", str(made.root / "noxfile.py"), "-s", "conformance", "--", "-k", "two words"]
    assert Path(told["python"]).is_relative_to(made.homes()[0])


def test_a_made_environment_costs_little(made: Checkout) -> None:
    """Well under 100 ms before nox starts; the miniature's own start is in the figure too."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        assert made.run()[0] == 0
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.25


def test_a_wrong_checksum_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, right_hash=False)
    status, _, err = checkout.run("-l")
    assert status == 2
    assert err.count("failed:") == 1
    assert "Traceback" not in err
    assert checkout.homes() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_creation_leaves_no_half_environment(tmp_path: Path, number: signal.Signals) -> None:
    checkout = Checkout(tmp_path)
    process = checkout.start("-l")
    deadline = time.monotonic() + LIMIT
    while not any("draft" in home.name for home in checkout.homes()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(number)
    status, _, err = ended(process)
    assert status != 0
    assert "Traceback" not in err
    assert all("draft" in home.name for home in checkout.homes())
    assert number is signal.SIGKILL or checkout.homes() == []


def test_without_ensurepip_the_package_is_named(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ensurepip.py").write_text("raise ImportError('no', name='ensurepip')\n")
    status, _, err = checkout.run("-l", PYTHONPATH=str(tmp_path / "broken"))
    assert status == 2
    assert "apt-get install -y python3-venv" in err
    assert checkout.homes() == []


OLD = """\
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
sys.argv = {argv!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def old_python(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", OLD.format(argv=[str(NOXW), "-l"])],
        env={"PATH": str(path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_old_python_is_one_sentence(tmp_path: Path) -> None:
    done = old_python(tmp_path)
    assert done.returncode == 2
    assert "this is Python 3.9, and Roadtest needs 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_hands_over_to_a_newer_one(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\necho newer "$@"\n')
    newer.chmod(newer.stat().st_mode | stat.S_IXUSR)
    done = old_python(tmp_path)
    assert done.stdout == f"newer {NOXW} -l\n"


def test_its_syntax_is_read_by_old_pythons() -> None:
    compile_as = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", compile_as, str(NOXW)], check=True)
