"""Servers on loopback that contenders are let loose on, pinned to a core of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 "hello from a bench"; }} }}
}}
"""
START_SECONDS = 10.0


class BenchError(Exception):
    """The benchmark cannot run here."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    title: str
    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Used so far, by its workers too."""
        return sum(sum(one.cpu_times()[:2]) for one in (self.process, *self.process.children()))


def cores() -> tuple[int, int]:
    """The generator's core and the server's."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("The benchmark needs two cores: one for the generator, one for the server.")
    return usable[0], usable[1]


@contextmanager
def static_server(core: int) -> Iterator[Served]:
    """The fastest static server at hand: nginx, else our own."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if nginx is None:
        with python_server(core) as served:
            yield served
        return
    with tempfile.TemporaryDirectory(prefix="roadtest-bench-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=port))
        with _pinned([nginx, "-p", folder, "-c", str(configuration)], core) as process:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(port):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise BenchError("nginx did not start.")
                time.sleep(0.02)
            yield Served(title="nginx, one worker", port=port, process=psutil.Process(process.pid))


@contextmanager
def python_server(core: int, delay_microseconds: float = 0.0) -> Iterator[Served]:
    """``bench.server`` with a delay."""
    with _pinned([sys.executable, "-m", "bench.server", str(delay_microseconds)], core) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Served(title="bench.server (Python)", port=port, process=psutil.Process(process.pid))


@contextmanager
def _pinned(command: list[str], core: int) -> Iterator[subprocess.Popen[str]]:
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # inherited by the child from its first moment
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    finally:
        os.sched_setaffinity(0, own)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
