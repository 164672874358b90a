"""Roadtest's verbs. `nox -l` lists them; what follows `--` goes to the verb, and `-- --help` explains it.

Each session is one command in the project's own environment (``.nox/roadtest-<digest of the lock>``), made on first
use. The cells of one invocation share one run, ``runs/<id>/``; the last session closes it, draws the reports and sets
the exit status: 0 all passed or declared unsupported, 1 failures of the system under test, 2 errors of our own.
"""

from __future__ import annotations

import datetime
import difflib
import functools
import hashlib
import importlib.util
import itertools
import os
import re
import secrets
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path

import nox
import nox.registry

sys.path.insert(0, str(Path(__file__).parent))
from conformance.at_once import CLEAN_UP_SECONDS, Cells, default_width, keeps_to_one
from conformance.children import call

for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: a command that is under way cleans up
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler)

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "none"

ROOT = Path(__file__).parent
LOCK = ROOT / "requirements" / "roadtest.txt"
MODES = ["iptables", "nftables", "ipvs"]
"""A mode that this machine's kernel lacks is left out, or, where it was asked for by name, runs in a guest whose kernel
has it; it is refused where no guest can be had."""
OUTSIDE = os.environ.get("ROADTEST_CONTROLLERS", "")
"""Folders of others, with a colon between two, that hold controllers as ours does: a folder each."""
FOLDERS = [ROOT / "clusters/controllers", *(Path(word).expanduser() for word in OUTSIDE.split(os.pathsep) if word)]
KNOWN = {path.parent.name: path for folder in FOLDERS for path in sorted(folder.glob("*/controller.toml"))}
OF_OURS = {
    name: tomllib.loads(path.read_text("utf-8")) for name, path in KNOWN.items() if path.is_relative_to(FOLDERS[0])
}
NOT_VERIFIED = [name for name, told in sorted(OF_OURS.items()) if not told.get("verified")]
"""Controllers of ours that no run of ours has had."""
ON_REQUEST = [name for name, told in sorted(OF_OURS.items()) if told.get("on_request")]
LEFT_OUT = [*NOT_VERIFIED, *ON_REQUEST]
"""A cell of theirs runs only where it is asked for by name."""
DEFAULT_CONTROLLER = "traefik"
"""It serves every API."""
TYPED = sys.argv[1:]
FOR_NOX = TYPED[: TYPED.index("--")] if "--" in TYPED else TYPED
"""What follows is the verb's own."""
POSTED = TYPED[len(FOR_NOX) + 1 :]
ONE_CELL = any("(" in word for word in FOR_NOX)
"""Whether the user asked for a cell by name, and not for all."""
ASKED = {word for text in FOR_NOX if "(" in text for word in re.findall(r"['\"](.*?)['\"]", text)}
CONTROLLERS = sorted(name for name in KNOWN if name not in LEFT_OUT or name in ASKED)
CELLS = ["none", *CONTROLLERS]
"""What a mode's cells have besides: no controller, where kube-proxy and DNS are judged, or one."""
EXISTING = any(" ".join(pair) == "--provider existing" for pair in itertools.pairwise(POSTED)) or (
    "--provider=existing" in POSTED
)
if EXISTING and not ONE_CELL:  # such a cluster is one cell, and says itself which
    MODES = CELLS = ["detected"]


def turn(cell: tuple[str, str]) -> int:
    """When a cell's turn is, of two at once: first the long, of which the modes' own wait most; last the short."""
    mode, controller = cell
    if controller == "none":
        return 0 if mode == MODES[0] else 2
    if mode == MODES[0]:
        return 1 if {"ingress", "gateway"} <= OF_OURS.get(controller, {}).keys() else 3
    return 4


EVERY_CELL = sorted(itertools.product(MODES, CELLS), key=turn)
RUN = os.environ.get("ROADTEST_RUN") or (
    f"runs/{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
)
ASKED_WIDTH = next(iter(re.findall(r"--at-once[= ](\S+)", " ".join(POSTED))), "")


def environment(session: nox.Session) -> Path:
    """The project's Python environment, made from the lock file if it is not there."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = ROOT / ".nox" / f"roadtest-{digest}"
    if not home.exists():
        session.log("making the Python environment %s (once; about 15 s)", home.relative_to(ROOT))
        # The bytes land under a name of their own first: an interrupted installation is never taken for a whole one.
        # Scripts would keep that first name in their shebang, so everything is run as `python -m`.
        draft = home.with_name(f"{home.name}.{os.getpid()}")
        for killed in home.parent.glob("roadtest-*.*"):
            if not Path("/proc", killed.suffix[1:]).exists():
                shutil.rmtree(killed, ignore_errors=True)
        uv = shutil.which("uv") or (importlib.util.find_spec("uv") and str(Path(sys.executable).with_name("uv")))
        if uv:
            commands = [
                [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, draft],
                [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", draft / "bin" / "python", LOCK],
            ]
        else:
            commands = [
                [sys.executable, "-m", "venv", draft],
                [draft / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK],
            ]
        try:
            for command in commands:
                subprocess.run([str(word) for word in command], check=True, env={**uv_settings(), **os.environ})
            try:
                draft.rename(home)
            except OSError:
                if not home.exists():
                    raise
        except subprocess.CalledProcessError as error:
            session.error(f"the Python environment could not be made: {shlex.join(map(str, error.cmd))} failed")
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return home / "bin" / "python"


def uv_settings() -> dict[str, str]:
    """How uv makes an environment, where the user says nothing else."""
    # Compiled once: where no bytecode is kept (PYTHONDONTWRITEBYTECODE) every process would compile its libraries.
    settings = {"UV_COMPILE_BYTECODE": "1"}
    if ssl.create_default_context().cert_store_stats()["x509_ca"]:  # as pip does: a company's own authority is in there
        settings |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # its earlier name
    return settings


def python(session: nox.Session, *command: str) -> None:
    """Run ``python -m …`` in the project's environment; the session fails with it."""
    if status := status_of(session, *command):
        session.error(f"{' '.join(command[:2])} ended with status {status}")


def status_of(session: nox.Session, *command: str) -> int:
    """Run ``python -m …`` and give its status: nox itself tells only 0 from 1, and CI owners are promised three.

    Interrupted, it interrupts the command, which is given the time to remove what it made.
    """
    return call([str(environment(session)), "-m", *command], CLEAN_UP_SECONDS)


def end_with(session: nox.Session, *command: str) -> None:
    """Run ``python -m …`` and, where it fails, end nox with its status."""
    if status := status_of(session, *command):
        sys.exit(status)


@functools.cache
def width() -> str:
    """How many cells run at once, as it was asked for; looked up before the first of them begins."""
    return ASKED_WIDTH or str(default_width())


@functools.cache
def at_once() -> Cells:
    return Cells(ROOT / RUN / "cells", int(width()) if width().isdecimal() else 1)


def wants_help(session: nox.Session) -> bool:
    return any(word in {"-h", "--help"} for word in session.posargs)


def cell(session: nox.Session, verb: str, mode: str, controller: str) -> None:
    """One cell of the run; whatever becomes of it, the next cells and the report follow."""
    if wants_help(session):
        python(session, "conformance", verb, "--help")
        sys.exit(0)  # once says it for every cell
    if verb == "load" and "--list" in session.posargs:
        end_with(session, "loadprofiles", "list")
        sys.exit(0)
    if "--list-features" in session.posargs:
        end_with(session, "fixtures.catalogue")
        sys.exit(0)
    if {"--collect-only", "--co"} & set(session.posargs):
        python(session, "pytest", "-p", "fixtures.plugin", "suites", "-q", *session.posargs)
        sys.exit(0)
    if ONE_CELL or mode == "detected" or verb != "cell" or "--cluster" in session.posargs:
        status = status_of(session, *cell_command(session, verb, mode, controller))
    else:
        found = [(mode, controller), *upcoming(session)]
        python_ = str(environment(session))
        commands = {"-".join(one): [python_, "-m", *cell_command(session, verb, *one)] for one in found}
        status = at_once().run(f"{mode}-{controller}", commands)
    if "--dry-run" in session.posargs:
        sys.exit(status)
    if status == os.EX_USAGE:  # it cannot be run as asked, nor can the next cell: nothing to report
        at_once().stop()
        sys.exit(2)
    session.notify("report", [RUN])
    if status:
        session.error("the system under test failed checks" if status == 1 else "errors of our own")


def cell_command(session: nox.Session, verb: str, mode: str, controller: str) -> list[str]:
    which = [] if mode == "detected" else ["--mode", mode, "--controller", controller]
    among = [] if ONE_CELL else ["--among-others"]
    together = ["--at-once", width()] if verb == "cell" and not ONE_CELL and mode != "detected" else []
    return ["conformance", verb, "--run", RUN, *which, *among, *together, *session.posargs]


def upcoming(session: nox.Session) -> list[tuple[str, str]]:
    """The cells that come after this one, as nox has them in its queue."""
    queue = [one.friendly_name for one, waits in session._runner.manifest.list_all_sessions() if waits]
    named = [re.findall(r"(mode|controller)='(.*?)'", name) for name in queue if name.startswith("conformance(")]
    return [(found["mode"], found["controller"]) for found in map(dict, named)]


@nox.session
@nox.parametrize("mode, controller", EVERY_CELL)
def conformance(session: nox.Session, mode: str, controller: str) -> None:
    """The main job: a real cluster per cell, every check of the suites, a short load, one report."""
    if not (ONE_CELL or EXISTING or wants_help(session)) and (mode, controller) == EVERY_CELL[0]:
        if LEFT_OUT:
            session.log("%s", left_out())
        if not ASKED_WIDTH and (why := keeps_to_one()):
            session.log("one cell at a time, because of this machine: %s", why)
    cell(session, "cell", mode, controller)


@nox.session
@nox.parametrize("mode, controller", EVERY_CELL)
def load(session: nox.Session, mode: str, controller: str) -> None:
    """Throughput and latency at full length, per cell, without the suites (`-- --list` shows the profiles)."""
    cell(session, "load", mode, controller)


@nox.session
@nox.parametrize("mode", MODES)
def propagation(session: nox.Session, mode: str) -> None:
    """How long changes take from the API to the packets, among 10, 1,000 and 5,000 Services, per mode."""
    cell(session, "propagation", mode, "none")


@nox.session
@nox.parametrize("controller", CONTROLLERS)
def route_propagation(session: nox.Session, controller: str) -> None:
    """How long Ingresses and HTTPRoutes take from the API to the first right answer, through each controller.

    `-- --change gateway`: Gateways instead; ten of them, or `--gateways N`, for each may get a proxy of its own.
    """
    if not any(word.partition("=")[0] == "--change" for word in session.posargs):
        session.posargs[:0] = ["--change", "ingress", "--change", "httproute"]
    cell(session, "propagation", "nftables", controller)


@nox.session
def worker(session: nox.Session) -> None:
    """Send for a `load` that runs on another machine: `nox -s worker -- --master ADDRESS:PORT` (docs/grid.md)."""
    end_with(session, "loadprofiles", "worker", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break a live cluster on purpose, one mutant at a time: the right check, and only it, must fail."""
    end_with(session, "conformance", "mutants", "--run", RUN, "--controller", DEFAULT_CONTROLLER, *session.posargs)


@nox.session
def upstream(session: nox.Session) -> None:
    """Kubernetes' own tests, or the Gateway API's, as a witness beside ours: `nox -s upstream -- --suite k8s`."""
    asked_to_look = wants_help(session) or "--list" in session.posargs
    status = status_of(session, "conformance", "upstream", "--run", RUN, *session.posargs)
    if asked_to_look:
        sys.exit(2 if status else 0)
    if status == os.EX_USAGE:  # it cannot be run as asked: nothing to report
        sys.exit(2)
    session.notify("report", [RUN])
    if status:
        session.error("the system under test failed checks" if status == 1 else "errors of our own")


@nox.session
def report(session: nox.Session) -> None:
    """Close and draw a run again, or merge several: `nox -s report -- runs/A runs/B`."""
    arguments = session.posargs or [RUN]
    if wants_help(session):
        python(session, "conformance", "report", "--help")
        return
    end_with(session, "conformance", "report", *arguments)


@nox.session
def compare(session: nox.Session) -> None:
    """Two runs side by side, check by check: `nox -s compare -- runs/A runs/B` (0 the same or explained, 1 not)."""
    end_with(session, "reports", "compare", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """Clusters by hand: `nox -s cluster -- create | list | describe | shell | kubectl | logs | delete`."""
    # A shell needs the terminal itself, so the command takes this process's place.
    os.execv(path := str(environment(session)), [path, "-m", "clusters", *(session.posargs or ["--help"])])  # noqa: S606


@nox.session(name="kind-rig")
def kind_rig(session: nox.Session) -> None:
    """A Docker engine of our own, for kind where none runs: `nox -s kind-rig -- start | stop | status`."""
    end_with(session, "clusters.kind", *(session.posargs or ["--help"]))


@nox.session(name="node-image")
def node_image(session: nox.Session) -> None:
    """Build a kind node image, and all images in it, from the components: for kind where no registry answers."""
    end_with(session, "clusters.kind", "node-image", *session.posargs)


@nox.session
def components(session: nox.Session) -> None:
    """Prepare every binary and image (`-- --list` shows version, source and state)."""
    end_with(session, "clusters", "components", *session.posargs)
    if session.posargs in ([], ["--list"]):
        end_with(session, "clusters", "images", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The tester tested: no root, no cluster, about two minutes."""
    python(session, "clusters", "packages", "tests")
    workers = max(3, os.cpu_count() or 1)  # more than cores where these are few: many tests wait
    python(session, "pytest", "-n", str(workers), "--dist", "worksteal", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, strict mypy, and the rule that imports point one way."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")
    python(session, "mypy")
    lint_imports = "import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())"
    session.run(str(environment(session)), "-c", lint_imports, external=True)


@nox.session
def workflows(session: nox.Session) -> None:
    """actionlint over .github/workflows: had on demand, as the programs of a cluster are."""
    end_with(session, "clusters", "components", "actionlint")
    # Without shellcheck and pyflakes, which it runs where they happen to be: the same everywhere.
    lint_workflows = (
        "import os; from clusters import components; path = str(components.resolve(['actionlint'])['actionlint']); "
        "os.execv(path, [path, '-shellcheck=', '-pyflakes='])"
    )
    session.run(str(environment(session)), "-c", lint_workflows, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Figures, never verdicts: `nox -s bench -- generator | cluster`."""
    end_with(session, "bench", *(session.posargs or ["--help"]))


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what requirements/*.in ask for, with hashes."""
    for source in sorted((ROOT / "requirements").glob("*.in")):
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--upgrade", str(source.relative_to(ROOT))),
            *("--output-file", str(source.with_suffix(".txt").relative_to(ROOT))),
            external=True,
        )


def left_out() -> str:
    """Which controllers no cell is made for, and how one is."""
    example = f"./noxw -s \"conformance(mode='{MODES[0]}', controller='{LEFT_OUT[-1]}')\""
    told = f"controllers left out unless asked for by name ({example}): not verified here: {', '.join(NOT_VERIFIED)}"
    return f"{told}; on request: {', '.join(ON_REQUEST)}" if ON_REQUEST else told


def typed() -> str:
    """The command as one could type it again, for a run's header; ``noxw`` adds nox's ``--noxfile FILE``."""
    pairs = zip(["", *TYPED], TYPED, strict=False)
    words = ["./noxw", *(word for before, word in pairs if "--noxfile" not in {before, word})]
    return " ".join(f'"{word}"' if set(word) & set(" '()") else word for word in words)


def mistake() -> str:
    """What is wrong with the sessions asked for, with the right names; nox itself says only "Sessions not found"."""
    for option, word in itertools.pairwise(FOR_NOX):
        sessions = nox.registry.get()
        if option in {"-s", "--session", "--sessions"} and re.fullmatch(r"[\w-]+", word) and word not in sessions:
            return f"there is no session {word!r}; there are: {', '.join(sessions)}"
        for axis, asked in re.findall(r"(mode|controller)\s*=\s*['\"](.*?)['\"]", word if "(" in word else ""):
            known = {"mode": MODES, "controller": ["none", *sorted(KNOWN)]}[axis]
            if asked not in known:
                looked = f" (ROADTEST_CONTROLLERS is {OUTSIDE})" if axis == "controller" and OUTSIDE else ""
                near = difflib.get_close_matches(asked, known, n=1)
                meant = f"; did you mean {near[0]!r}?" if near else ";"
                return f"there is no {axis} {asked!r} here{meant} ask for one of: {', '.join(known)}{looked}"
        if re.fullmatch(r"(conformance|load)\((?!.*mode.*controller).*\)", word):
            verb = word.partition("(")[0]
            cells = [f'  "{verb}({mode=}, {controller=})"' for mode in MODES for controller in CELLS]
            return "\n".join([f"{word} names no whole cell; the cells are:", *cells])
    return ""


os.environ.setdefault("ROADTEST_COMMAND", typed())
if LEFT_OUT:  # `nox -l` shows it above the sessions
    __doc__ += f"\nThere are also {left_out()}.\n"
if told := mistake():
    print(f"error: {told}", file=sys.stderr)
    sys.exit(2)
