"""The manifests of the ingress, gateway and canary suites: what they name is in them, and fits any controller."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.certificates import secret_of, self_signed
from fixtures.crossroads_plugin import BACKENDS, MANIFEST
from fixtures.routes import CLASS, DOMAIN, ROUTING, fitted
from suites.mutants import ingress, routes

SUITES = Path(__file__).parents[1] / "suites"
FOLDERS = ("ingress", "gateway", "canary", "client_identity")
MANIFESTS = sorted(path for name in FOLDERS for path in (SUITES / name).glob("*.yaml"))
FOREIGN = {"of-another-controller", "foreign"}
SHARED = [found for path in (BACKENDS, MANIFEST) for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
"""A Gateway and backends that many manifests lead to."""
ECHO = "gateway-api/echo-basic"

Object = dict[str, Any]


@functools.cache
def _parsed(path: Path) -> list[Object]:
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def objects(path: Path) -> list[Object]:
    return copy.deepcopy(_parsed(path))


def of_kind(path: Path, kind: str) -> list[Object]:
    return [found for found in objects(path) if found["kind"] == kind]


def hosts(found: Object) -> list[str]:
    spec = found.get("spec", {})
    named = [rule.get("host") for rule in spec.get("rules", []) if found["kind"] == "Ingress"]
    named += [listener.get("hostname") for listener in spec.get("listeners", [])]
    return [host for host in [*named, *spec.get("hostnames", [])] if host]


def backends(found: Object) -> set[str]:
    spec = found.get("spec", {})
    if found["kind"] == "Ingress":
        routed = [path["backend"] for rule in spec.get("rules", []) for path in rule["http"]["paths"]]
        return {backend["service"]["name"] for backend in routed}
    if found["kind"] == "HTTPRoute":
        return {backend["name"] for rule in spec["rules"] for backend in rule["backendRefs"]}
    return set()


@pytest.fixture(params=MANIFESTS, ids=[f"{path.parent.name}/{path.name}" for path in MANIFESTS])
def manifest(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_no_controllers_class_is_written_into_it(manifest: Path) -> None:
    for found in objects(manifest):
        for field in ("ingressClassName", "gatewayClassName"):
            assert found.get("spec", {}).get(field, CLASS) in {CLASS, *FOREIGN}


def test_its_hosts_are_of_the_domain_that_becomes_the_namespaces(manifest: Path) -> None:
    for found in objects(manifest):
        for host in hosts(found):
            assert host.endswith(DOMAIN)
            assert host not in hosts(fitted(found, "ns", "class"))


def test_every_backend_is_a_service_with_pods_that_name_it(manifest: Path) -> None:
    """Routes that come to backends of another manifest have none of their own."""
    services = {found["metadata"]["name"]: found["spec"]["selector"]["app"] for found in of_kind(manifest, "Service")}
    shared = {found["metadata"]["name"] for found in SHARED if found["kind"] == "Service"}
    if services:
        assert set().union(*(backends(found) for found in objects(manifest))) <= set(services) | shared
    for deployment in of_kind(manifest, "Deployment"):
        containers = [one for one in deployment["spec"]["template"]["spec"]["containers"] if ECHO in one["image"]]
        names = [deployment["metadata"]["name"]] if len(containers) == 1 else [one["name"] for one in containers]
        for container, name in zip(containers, names if containers else [], strict=True):
            told = {entry["name"]: entry.get("value") for entry in container["env"]}
            assert told["SERVICE_NAME"] == name
        assert deployment["spec"]["template"]["metadata"]["labels"]["app"] in services.values()


def test_every_route_belongs_to_a_gateway(manifest: Path) -> None:
    beside = [found for path in manifest.parent.glob("*.yaml") for found in objects(path)]
    gateways = {found["metadata"]["name"] for found in [*beside, *SHARED] if found["kind"] == "Gateway"}
    for route in of_kind(manifest, "HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            assert parent["name"] in gateways or "namespace" in parent


PUT_UP = re.compile(r'(?:routes|crossing)\("(\w+\.yaml)"[^{]*?ready=\{((?:"[\w.*/-]+": "\w+",? ?)+)\}')


@pytest.mark.parametrize(
    "check", sorted(SUITES.glob("*/test_*.py")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_what_tells_that_all_is_served_stands_last(check: Path) -> None:
    """Were it served before the others, they would be judged before they are in force."""
    for name, told in PUT_UP.findall(check.read_text(encoding="utf-8")):
        ready = {host.partition("/")[0] for host in re.findall(r'"([^"]+)":', told)}
        routed = [found for found in objects(check.with_name(name)) if found["kind"] in ROUTING - {"Gateway"}]
        ours = [found for found in routed if found["spec"].get("ingressClassName", CLASS) == CLASS and hosts(found)]
        kinds = {found["kind"] for found in ours}
        if len(ours) > 1 and len(kinds) == 1 and ready <= {host for found in ours for host in hosts(found)}:
            assert ready & set(hosts(ours[-1]))


MADE_BY_CHECKS: dict[str, dict[str, Any]] = {
    "ingress-websocket-timeouts-are-not-told": {
        "kind": "Ingress",
        "metadata": {"name": "websocket-5", "annotations": {"proxy-read-timeout": "5"}},
    },
    "ingress-tls-secret-holds-another-certificate": secret_of("certificate", self_signed("secure.example")),
}
"""Mutant → what it changes, where no manifest has it."""
CHANGING = [one for one in (*routes.MUTANTS, *ingress.MUTANTS) if one.change]


@pytest.mark.parametrize("mutant", CHANGING, ids=lambda mutant: mutant.name)
def test_a_mutation_changes_something_in_its_scope(mutant: Any) -> None:
    """A mutation that finds nothing to change would be survived by every check, or seem to be."""
    folders = {path.rpartition("/")[0].removeprefix("suites/") for path in mutant.scope}
    given = [found for path in MANIFESTS if path.parent.name in folders for found in objects(path)]
    if made := MADE_BY_CHECKS.get(mutant.name):
        given.append(made)
    assert [found for found in given if mutant.change(copy.deepcopy(found), "") != found]
