"""Charts of controllers: rendered by Helm from a folder and from a repository, and what becomes of hooks and errors."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import components, controllers, paths
from clusters.components.catalogue import catalogue
from clusters.components.finding import Finder
from clusters.controllers import charts, claims, description, folders, found
from clusters.errors import ComponentError, UsageError
from clusters.provider import Classes
from tests.miniatures.release_host import release_host

DESCRIPTION = """
name = "mine"
title = "Mine"
documentation = "https://example.com/"
namespace = "mine"
deployments = ["mine"]

[[chart]]
repository = "{repository}"
name = "router"
version = "0.3.0"
source = "https://example.com/values.yaml"
values.image = "mine/router:v1"
"""
TEMPLATES = {
    "deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    spec:
      containers:
        - name: router
          image: {{ .Values.image }}
{{- if .Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1/GatewayClass" }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: {{ .Values.class }}
spec:
  controllerName: example.com/{{ .Values.class }}
{{- end }}
""",
    "hooks.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: after
  annotations: {helm.sh/hook: "post-install,post-upgrade"}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: first
  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: "-5"}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: second
  annotations: {helm.sh/hook: "pre-install, pre-upgrade"}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: never
  annotations: {helm.sh/hook: pre-delete}
""",
}


def helm() -> bool:
    """Whether Helm is on this machine already: it takes a download, or minutes, to have it."""
    return Finder(catalogue(), paths.cache_folder()).find("helm") is not None


needs_helm = pytest.mark.skipif(not helm(), reason="no helm here: ./noxw -s components -- helm")


@pytest.fixture(autouse=True)
def rendered_anew() -> Iterator[None]:
    charts.rendered.cache_clear()
    yield
    charts.rendered.cache_clear()


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart's folder."""
    folder = tmp_path / "charts" / "router"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: router\nversion: 0.3.0\n")
    (folder / "values.yaml").write_text("image: mine/router:v0\nclass: mine\n")
    for name, text in TEMPLATES.items():
        (folder / "templates" / name).write_text(text)
    return folder


@pytest.fixture
def describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Describe the controller with its chart in some repository."""

    def write(repository: str) -> Path:
        path = tmp_path / "theirs" / "mine" / "controller.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DESCRIPTION.format(repository=repository))
        monkeypatch.setenv(folders.VARIABLE, str(tmp_path / "theirs"))
        return path

    return write


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [f"{found['kind']} {found['metadata']['name']}" for found in objects]


@needs_helm
def test_a_chart_of_a_folder_is_rendered_with_its_values_and_in_order(describe: Any, chart: Path) -> None:
    describe(str(chart.parent))
    objects = charts.rendered("mine")
    assert names(objects) == [
        *("Namespace mine", "ConfigMap first", "ConfigMap second", "Deployment mine", "GatewayClass mine"),
        "ConfigMap after",
    ]
    assert {found["metadata"].get("namespace") for found in objects[1:]} == {"mine"}
    assert controllers.needed(["mine"]).names == ["docker.io/mine/router:v1"]
    assert controllers.versions(["mine"]) == {"mine": "chart router 0.3.0"}


@needs_helm
def test_a_chart_of_a_repository_is_fetched_and_rendered(describe: Any, chart: Path, tmp_path: Path) -> None:
    archive = tmp_path / "router-0.3.0.tgz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(chart, "router")
    packed = archive.read_bytes()
    entry = {
        "apiVersion": "v2",
        "name": "router",
        "version": "0.3.0",
        "urls": [archive.name],
        "digest": hashlib.sha256(packed).hexdigest(),
    }
    index = yaml.safe_dump({"apiVersion": "v1", "entries": {"router": [entry]}}).encode()
    with release_host() as host:
        host.files = {"/index.yaml": index, f"/{archive.name}": packed}
        describe(host.address)
        controllers.check("mine")
        assert "Deployment mine" in names(charts.rendered("mine"))
        charts.rendered.cache_clear()
        (tmp_path / "theirs/mine/controller.toml").write_text(
            DESCRIPTION.format(repository=host.address).replace('version = "0.3.0"', 'version = "9.9.9"')
        )
        with pytest.raises(ComponentError, match=r"Helm cannot render the chart router 9.9.9 of Mine from .*9.9.9.*"):
            charts.rendered("mine")


@needs_helm
def test_what_a_template_does_not_like_is_told_in_helms_words(describe: Any, chart: Path) -> None:
    (chart / "templates" / "deployment.yaml").write_text('{{ fail "class must be set" }}')
    describe(str(chart.parent))
    with pytest.raises(ComponentError, match=r"Helm cannot render the chart router 0.3.0 of Mine .*class must be set"):
        charts.rendered("mine")


def test_a_repository_that_does_not_answer_is_named_in_seconds(describe: Any) -> None:
    describe("http://127.0.0.1:1/charts")
    with pytest.raises(ComponentError, match=r"Mine cannot be installed here: 127.0.0.1:1, .* does not answer"):
        controllers.check("mine")


def test_a_chart_that_is_not_in_its_folder_is_told(
    describe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    describe("files")
    monkeypatch.setattr(components, "resolve", lambda _: {"helm": tmp_path / "helm"})
    with pytest.raises(UsageError, match=r"names a chart that is not there: .*mine/files/router"):
        charts.rendered("mine")


def test_a_chart_of_a_component_comes_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = controllers.describe("istio-from-source")
    monkeypatch.setattr(components, "resolve", lambda names: {name: tmp_path / name for name in names})
    taken = [charts.source(found, chart) for chart in found.charts]
    folder = tmp_path / "istio-charts"
    assert taken == [[str(folder / "base")], [str(folder / "istio-control/istio-discovery")]]
    assert controllers.components_of([found.name]) == ["helm", "istio-charts"]
    charts.check(found.name)  # no repository has to answer


def test_a_registry_is_asked_by_its_api() -> None:
    found = controllers.describe("nginx-gateway-fabric").charts[0]
    assert charts.address(found) == "https://ghcr.io/v2/"
    assert charts.source(controllers.describe("nginx-gateway-fabric"), found) == [
        *("oci://ghcr.io/nginx/charts/nginx-gateway-fabric", "--version", found.version),
    ]


def test_ours_are_verified_or_listed_as_not() -> None:
    left = controllers.not_verified()
    assert "traefik" not in left
    assert left["haproxy"] == description.FETCHED
    assert left["gce"].startswith("on existing clusters only")


def test_what_is_there_on_request_alone_stands_for_no_cluster_of_somebody_elses() -> None:
    seen = Classes(gateway="edge", gateway_controller="istio.io/gateway-controller")
    for name in ("istio", "istio-from-source"):
        claim = controllers.describe(name).gateway
        assert claim is not None
        assert claim.controller == seen.gateway_controller
    known = found.known(seen)
    assert known is not None
    assert known.name == "istio"


def test_one_class_is_claimed_once(describe: Any, chart: Path) -> None:
    path = describe(str(chart.parent))
    claims.check(["traefik", "mine", "traefik"])
    with path.open("a") as file:
        file.write('[ingress]\nclass = "traefik"\ncontroller = "example.com/mine"\nsource = "https://example.com/"\n')
    with pytest.raises(UsageError, match=r"traefik and mine both claim the IngressClass traefik"):
        claims.check(["traefik", "mine"])
