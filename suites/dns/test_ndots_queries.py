"""What it costs to look up a name outside the cluster."""

from __future__ import annotations

import pytest

from clusters.provider import Cluster
from fixtures.api import documents
from fixtures.catalogue import feature
from fixtures.expectations import all_answered, equal
from fixtures.probes import http
from fixtures.servers import DnsRecorder, WebServer
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


def asking(namespace: Namespace, recorder: DnsRecorder, domain: str, name: str) -> PodVantage:
    """The manifest's pod of this name, with the recording server, the namespace and the cluster's domain filled in."""
    text = (namespace.folder / "ndots_queries.yaml").read_text(encoding="utf-8")
    text = text.replace("my-namespace", namespace.name).replace("my-domain.example", domain)
    manifests = documents(text.replace("192.0.2.53", f'"{recorder.address}"'))
    namespace.apply_object(next(manifest for manifest in manifests if manifest["metadata"]["name"] == name))
    (pod,) = namespace.wait_ready()
    return PodVantage(namespace.api, namespace.name, name, name=f"pod-{name}", address=pod.address, node=pod.node)


@feature("dns.ndots.queries")
@pytest.mark.parametrize(
    ("pod", "name", "lookups"),
    [("ndots-5", "api.example.com", 4), ("ndots-2", "api.example.com", 1), ("ndots-5", "api.example.com.", 1)],
    ids=["ndots-5", "ndots-2", "trailing-dot"],
)
def test_an_outside_name_costs_as_many_lookups_as_ndots_says(
    namespace: Namespace,
    cluster: Cluster,
    dns_recorder: DnsRecorder,
    web_server: WebServer,
    pod: str,
    name: str,
    lookups: int,
) -> None:
    """“Resolver queries having fewer than ndots dots … in them will be attempted using each component of the search
    path in turn until a match is found”; ndots is “a threshold for the number of dots which must appear in a name …
    before an initial absolute query will be made.” https://man7.org/linux/man-pages/man5/resolv.conf.5.html

    The pods have a cluster pod's search domains, but ask the recording server itself, which sees every lookup.
    """
    dns_recorder.answers["api.example.com."] = web_server.address
    client = asking(namespace, dns_recorder, cluster.dns_domain, pod)
    dns_recorder.forget()
    all_answered(http(client, f"http://{name}:{web_server.port}/"))

    searched = [f"{prefix}{cluster.dns_domain}." for prefix in (f"{namespace.name}.svc.", "svc.", "")]
    asked = [*(f"api.example.com.{suffix}" for suffix in searched), "api.example.com."][-lookups:]
    expected = sorted(f"{absolute} {record}" for absolute in asked for record in ("A", "AAAA"))
    seen = sorted(f"{query.name} {query.record}" for query in dns_recorder.queries if query.name.startswith("api."))
    equal("the queries at the recording server", expected, seen)
