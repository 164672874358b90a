"""The pytest plugin that puts one mutant to work: ``-p suites.mutants.plugin --mutant NAME``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import clusters
from fixtures.kube_proxy import KubeProxies
from fixtures.workloads import Namespace

from . import mutants
from .model import Mutant


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutant", metavar="NAME", required=True, help="break the cluster this way while the checks run")


def chosen(config: pytest.Config) -> Mutant:
    return mutants()[config.getoption("--mutant")]


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """The whole cluster is disturbed once, by the process that leads the workers."""
    mutant = chosen(session.config)
    if mutant.during is None or hasattr(session.config, "workerinput"):
        return (yield)
    with mutant.during(clusters.load(session.config.getoption("--cluster"))):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before anything of this test is made, also what it shares with others of its file: change and disturb that."""
    mutant = chosen(item.config)
    marker = item.get_closest_marker("feature")
    feature = str(marker.args[0]) if marker else ""
    if (change := mutant.change) is not None:
        Namespace.manifest_filters[:] = [lambda manifest: change(manifest, feature)]
    KubeProxies.restarted[:] = [mutant.after_restart] if mutant.after_restart else []
    if (after_ready := mutant.after_ready) is not None:
        cluster = clusters.load(item.config.getoption("--cluster"))
        Namespace.arranged[:] = [lambda namespace: after_ready(cluster, namespace, feature)]
