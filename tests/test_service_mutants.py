"""The mutants of Services and DNS: each changes something in its scope, and never the object that it was given."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import pytest

from fixtures.api import Object, documents
from fixtures.catalogue import catalogue
from fixtures.vantages import CommandVantage
from fixtures.whole import Completed
from suites.mutants import addresses, dns, leftovers, load_balancers, policies, services
from suites.mutants.model import Mutant
from tests.test_proxy_rules import IPTABLES, MAPPED, nft
from tests.vantages import HERE

MUTANTS = tuple(
    mutant for module in (services, addresses, leftovers, load_balancers, policies, dns) for mutant in module.MUTANTS
)
CHANGING = [mutant for mutant in MUTANTS if mutant.change]


def file_of(part: str) -> str:
    """The file or folder of what pytest is asked for, which may be one check of a file."""
    return part.partition("::")[0]


def manifests(scope: Sequence[str]) -> list[Object]:
    """The objects of the manifests beside the test files of a scope."""
    parts = [Path(file_of(part)) for part in scope]
    files = [path for part in parts for path in ([part] if part.suffix == ".py" else part.glob("test_*.py"))]
    beside = [path.with_name(path.stem.removeprefix("test_") + ".yaml") for path in files]
    return [document for path in beside for document in documents(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("mutant", CHANGING, ids=lambda mutant: str(mutant.name))
def test_a_mutant_changes_something_and_leaves_its_input_alone(mutant: Mutant) -> None:
    assert mutant.change is not None
    changed = 0
    for manifest in manifests(mutant.scope):
        before = deepcopy(manifest)
        changed += mutant.change(manifest, "") != before
        assert manifest == before
    assert changed


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_names_features_of_the_catalogue_and_files_that_are_there(mutant: Mutant) -> None:
    assert set(mutant.caught_by) <= set(catalogue())
    for part in mutant.scope:
        _, _, check = part.partition("::")
        path = Path(file_of(part))
        assert path.exists()
        assert not check or f"def {check}(" in path.read_text(encoding="utf-8")
    assert mutant.change or mutant.after_ready or mutant.during


class Listing(CommandVantage):
    """A node whose tools print a text."""

    def __init__(self, text: str) -> None:
        super().__init__(HERE)
        self.text = text

    def exec(self, argv: Sequence[str], *, timeout: float = 30.0) -> Completed:
        return Completed(status=0, stdout=self.text, stderr="")


def test_only_the_rules_to_one_pod_of_the_namespace_are_deleted() -> None:
    (command,) = services.deletions("iptables", Listing(IPTABLES), "ns/", "10.244.1.3")
    assert command[:6] == ["iptables", "-w", "-t", "nat", "-D", "KUBE-SEP-1111"]
    assert command[-1] == "10.244.1.3:8080"
    assert not list(services.deletions("iptables", Listing(IPTABLES), "other/", "10.244.1.3"))
    (command,) = services.deletions("nftables", Listing(nft({**MAPPED, "handle": 7})), "ns/", "10.244.1.3")
    assert command == ["nft", "delete", "rule", "ip", "kube-proxy", "service-A-ns/web/tcp/http", "handle", "7"]
    assert not list(services.deletions("nftables", Listing(nft({**MAPPED, "handle": 7})), "other/", "10.244.1.3"))


def test_uneven_rules_give_the_first_endpoint_more() -> None:
    three = IPTABLES.replace("0.50000000000", "0.33333333349")
    (command,) = services.uneven("iptables", Listing(three.replace('"x" -m stat', '"ns/web:http" -m stat')), "ns/")
    assert command[4:7] == ["-R", "KUBE-SVC-AAAA", "2"]
    assert command[command.index("--probability") + 1] == "0.5"
    (command,) = services.uneven("nftables", Listing(nft({**MAPPED, "handle": 7})), "ns/")
    assert command[-1].endswith(
        "numgen random mod 3 map { 0 : 10.244.1.3 . 8080, 1 : 10.244.1.3 . 8080, 2 : 10.244.2.4 . 8080 }"
    )
