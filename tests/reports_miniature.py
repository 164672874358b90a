"""A run in small: two modes with Traefik and every feature of the first slice, so that reports can be drawn without a
cluster. Every verdict occurs, and everything that a page must stand: failures with attempts and evidence, an error of
ours, notes that differ between modes, a void load.

``python -m tests.reports_miniature FOLDER`` writes it, for looking at a page in a browser.
"""

from __future__ import annotations

import datetime
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from hdrh.histogram import HdrHistogram

import reports
from reports import Attempt, Cell, CellEnd, Evidence, Interval, Load, Result, Verdict
from reports.model import Design

SERVICE = "https://kubernetes.io/docs/concepts/services-networking/service/"
POLICY = "https://kubernetes.io/docs/reference/networking/virtual-ips/"
DNS = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
INGRESS = "https://kubernetes.io/docs/concepts/services-networking/ingress/"
GATEWAY = "https://gateway-api.sigs.k8s.io/reference/spec/"
ETP_LOCAL = "suites/services/test_external_traffic_policy.py::test_local_policy_keeps_the_client_address"
START = datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.UTC)

FEATURES = (
    ("svc.clusterip.reach", "A ClusterIP answers on port and reaches the targetPort of every ready pod.", SERVICE),
    ("svc.clusterip.spread", "Load is spread over the endpoints at random.", POLICY),
    ("svc.clusterip.internal-only", "A ClusterIP is not reachable from a client outside the cluster.", SERVICE),
    ("svc.clusterip.fixed", "A clusterIP set by hand is used; outside the range or taken it is refused.", SERVICE),
    ("svc.multiport.named", "Several named ports each reach their own target port.", SERVICE),
    ("svc.protocol.udp", "A UDP port of a Service carries datagrams to the ready pods.", SERVICE),
    ("svc.nodeport.any-node", "Every node answers on the node port, whether it runs a pod or not.", SERVICE),
    ("svc.nodeport.range", "Automatic node ports fall in 30000-32767; others are refused.", SERVICE),
    ("svc.etp.cluster", "With externalTrafficPolicy Cluster any node forwards to any ready pod.", POLICY),
    ("svc.etp.local", "With externalTrafficPolicy Local only nodes with a ready local pod answer, "
     "and the pod sees the client's own address.", POLICY),
    ("svc.healthcheck-nodeport", "The health-check node port answers 200 where there are local endpoints.", SERVICE),
    ("svc.lb.address", "A LoadBalancer Service gets an address from the pool and serves on it.", SERVICE),
    ("svc.itp.local", "With internalTrafficPolicy Local only pods of the same node are reached.", POLICY),
    ("svc.headless.a", "The DNS name of a headless Service has every ready pod's address.", DNS),
    ("svc.headless.stateful", "Pods of a StatefulSet have names under their headless Service.", DNS),
    ("svc.externalname.cname", "An ExternalName Service answers with a CNAME record.", SERVICE),
    ("svc.selectorless.manual", "A Service without selector reaches the addresses of its EndpointSlices.", SERVICE),
    ("svc.no-endpoints.reject", "A Service without endpoints refuses connections at once.", POLICY),
    ("ep.readiness", "A pod that turns unready leaves the endpoints, and comes back when it is ready.", SERVICE),
    ("proxy.rules", "The rules of the chosen mode exist for a Service, and no other mode's.", POLICY),
    ("dns.names", "Short and full names of a Service resolve as documented from every namespace.", DNS),
    ("dns.record.srv", "Named ports have SRV records.", DNS),
    ("dns.resolv-conf", "A pod's resolv.conf names the cluster's DNS, the search domains and ndots:5.", DNS),
    ("dns.ndots.queries", "A name with two dots costs exactly four lookups with ndots:5.", DNS),
    ("ing.host", "A rule with a host serves that host and no other.", INGRESS),
    ("ing.path.exact", "Path type Exact matches the path as it stands and nothing else.", INGRESS),
    ("ing.path.prefix", "Path type Prefix matches element by element, the longest first.", INGRESS),
    ("ing.default-backend", "Requests that no rule matches go to the default backend.", INGRESS),
    ("ing.class.name", "An Ingress of another class is left alone.", INGRESS),
    ("ing.tls.secret", "The certificate of the named Secret is served.", INGRESS),
    ("gw.listener.http", "An HTTP listener serves the routes that attach to it.", GATEWAY),
    ("gw.allowed-routes.selector", "Only routes from namespaces that the selector admits attach.", GATEWAY),
    ("gw.route.path", "A route matches by Exact and PathPrefix as specified.", GATEWAY),
    ("gw.route.header", "A route matches by header, names ignoring case.", GATEWAY),
    ("gw.route.weight", "Requests are split over the backends in proportion to their weights.", GATEWAY),
    ("can.weight", "A canary of 10 % gets 10 % of the requests.", GATEWAY),
    ("can.header", "A header sends a request to the canary whatever the weights say.", GATEWAY),
)  # fmt: skip
ONCE_PER_CONTROLLER = ("ing.", "gw.", "can.")


def at(seconds: float) -> str:
    return reports.timestamp(START.timestamp() + seconds)


def write(
    run: Path, modes: Sequence[str] = ("iptables", "nftables"), controllers: Sequence[str] = ("traefik",)
) -> Path:
    """A whole run with a cell for each mode and controller; returns its folder."""
    reports.start(run, command="./noxw -s conformance", seed=20260301)
    for mode in modes:
        for controller in controllers:
            write_cell(run, mode, controller)
    reports.finish(run)
    return run


def write_cell(run: Path, mode: str, controller: str = "traefik", *, bad: bool = True) -> None:
    """One cell, from its start to its end; ``bad`` gives it the failures and the error."""
    cell = f"{mode}-{controller}"
    drawn = random.Random(cell)
    reports.append(run, cell_record(cell, mode, controller))
    for number in range(len(FEATURES)):
        reports.append(run, result(cell=cell, number=number, drawn=drawn))
    reports.append(run, unsupported(cell))
    reports.append(run, skipped(cell))
    for local in (f"{cell}-n1", f"{cell}-n2"):
        evidence(run, local)
    if bad and mode == "nftables":
        reports.append(run, broken(cell))
        reports.append(run, weight_failure(cell))
        reports.append(run, local_failure(cell, f"{cell}-n1"))
    else:
        reports.append(run, passed(cell, ETP_LOCAL, "svc.etp.local", "Local policy keeps the client's address"))
    for record in loads(cell, mode, controller, drawn):
        reports.append(run, record)
    seconds = {"create": 9.84, "suites": 148.2 + drawn.random() * 9, "load": 41.7, "delete": 2.31}
    reports.append(run, CellEnd(cell=cell, finished=at(230), seconds=seconds))


def cell_record(cell: str, mode: str, controller: str) -> Cell:
    slower = 1.0 if mode == "iptables" else 1.06
    steps = {
        "namespaces and links": 0.21, "certificates": 0.38, "etcd": 0.94, "kube-apiserver": 2.87,
        "kube-controller-manager": 3.31, "kube-scheduler": 3.30, "containerd on 3 nodes": 1.92, "kubelets": 4.12,
        "nodes Ready": 5.66, "kube-proxy": 6.05, "CoreDNS": 7.61, "MetalLB": 8.33, "Gateway API CRDs": 4.9,
        controller: 9.79,
    }  # fmt: skip
    return Cell(
        cell=cell,
        started=at(0),
        provider="embedded",
        provider_reason="no Docker engine answers at /var/run/docker.sock",
        mode=mode,
        controller=controller,
        controller_title=controller.title(),
        nodes=3,
        versions={
            "Kubernetes": "v1.36.3",
            "etcd": "3.7.3",
            "containerd": "2.4.2",
            "CoreDNS": "1.15.0",
            "MetalLB": "0.15.2",
            "Gateway API": "1.6.3",
            controller: "3.7.15",
        },
        conditions={
            "iptables back end": "nf_tables" if mode == "iptables" else "not used",
            "conntrack": "nf_conntrack_max 262144",
            "image source": "built from the components",
            "nftables": "1.0.6",
            f"{controller} throttle": "2s, the default",
        },
        timings={name: round(seconds * slower, 2) for name, seconds in steps.items()},
    )


def result(*, cell: str, number: int, drawn: random.Random) -> Result:
    """A check that passed, with statistics and notes where its feature has them."""
    feature, requirement, source = FEATURES[number]
    folder = {"svc": "services", "ep": "services", "proxy": "services", "dns": "dns"}.get(
        feature.partition(".")[0], "ingress" if feature.startswith("ing") else "gateway"
    )
    name = feature.partition(".")[2].replace(".", "_").replace("-", "_")
    statistics = {"n": 600.0, "alpha": 0.001, "p": 0.4127} if feature.endswith((".spread", ".weight")) else {}
    notes = {}
    if feature == "svc.nodeport.any-node":
        localhost = "refused" if cell.startswith("nft") else "answered (route_localnet is on)"
        notes = {"the node port on 127.0.0.1 of a node": localhost}
    if feature == "ing.path.prefix":
        notes = {"ImplementationSpecific /foo": "treated as Prefix"}
    by_design = None
    if feature == "svc.no-endpoints.reject":
        means = "the verdict map no-endpoint-services" if cell.startswith("nft") else "a REJECT rule"
        by_design = Design(says=f"By {means}.", source=f"{POLICY}#proxy-mode-{cell.partition('-')[0]}")
    return Result(
        cell=cell,
        feature=feature,
        test=f"suites/{folder}/test_{name}.py::test_{name}",
        title=requirement.rstrip("."),
        verdict=Verdict.PASSED,
        requirement=requirement,
        source=source,
        reproduce=f"./noxw -s \"conformance(mode='{cell.partition('-')[0]}', controller='traefik')\" -- -k {name}",
        started=at(12 + number * 3.5),
        seconds=round(0.4 + drawn.random() * 4, 3),
        statistics=statistics,
        notes=notes,
        by_design=by_design,
    )


def passed(cell: str, test: str, feature: str, title: str) -> Result:
    return Result(
        cell=cell,
        feature=feature,
        test=test,
        title=title,
        verdict=Verdict.PASSED,
        requirement=next(requirement for known, requirement, _ in FEATURES if known == feature),
        source=POLICY,
        started=at(60),
        seconds=3.2,
    )


def local_failure(cell: str, node: str) -> Result:
    """A failure with everything a story can have."""
    tries = [
        Attempt(
            at=at(60 + number * 0.05 + (number + 1) // 3 * 0.5),
            vantage="client-1" if number % 3 else "client-2",
            target=f"http://172.30.0.1{1 + number % 3}:31456/clientip",
            outcome="timeout" if number % 3 == 1 else "answered",
            seconds=0.5 if number % 3 == 1 else 0.0021,
            detail="no answer within 500 ms" if number % 3 == 1 else "200, saw 10.244.1.1",
        )
        for number in range(30)
    ]
    return Result(
        cell=cell,
        feature="svc.etp.local",
        test=ETP_LOCAL,
        title="Local policy keeps the client's address",
        verdict=Verdict.FAILED,
        requirement="With externalTrafficPolicy Local only nodes with a ready local pod answer, "
        "and the pod sees the client's own address.",
        source=POLICY + "#external-traffic-policy",
        reason="The pod on n1 saw 10.244.1.1, the address of its node's bridge, and not the client's.",
        expected="every answer from n1 and n2 names 172.30.0.101 (client-1) or 172.30.0.102 (client-2)\n"
        "n3, which runs no pod, does not answer",
        observed="n1: 10 of 10 answers name 10.244.1.1\nn2: 0 of 10 answered within 500 ms\nn3: no answer, as required",
        attempts=tries,
        evidence=[
            Evidence(title="Rules of kube-proxy on n1", path=f"evidence/{node}/nft.txt"),
            Evidence(title="Service and EndpointSlices", path=f"evidence/{node}/objects.yaml"),
            Evidence(title="kube-proxy's last lines on n1", path=f"evidence/{node}/kube-proxy.log"),
        ],
        reproduce="./noxw -s \"conformance(mode='nftables', controller='traefik')\" -- -k local_policy_keeps",
        started=at(60),
        seconds=8.4,
    )


def weight_failure(cell: str) -> Result:
    return Result(
        cell=cell,
        feature="can.weight",
        test="suites/canary/test_weight.py::test_share_follows_the_weight[10]",
        title="The canary's share follows its weight: 10 %",
        verdict=Verdict.FAILED,
        requirement="A canary of 10 % gets 10 % of the requests.",
        source=GATEWAY,
        reason="The canary got 14.8 % of 2,000 requests; at 10 % that happens by chance less than once in 10^10 runs.",
        expected="share 0.1, two-sided exact binomial test at alpha 0.001",
        observed="296 of 2000 requests",
        reproduce="./noxw -s \"conformance(mode='nftables', controller='traefik')\" -- -k share_follows",
        started=at(130),
        seconds=6.1,
        statistics={"n": 2000, "alpha": 0.001, "p": 3.1e-11, "counted": 296},
    )


def broken(cell: str) -> Result:
    return Result(
        cell=cell,
        feature="svc.healthcheck-nodeport",
        test="suites/services/test_healthcheck.py::test_health_check_follows_a_moved_pod",
        title="The health check follows a moved pod",
        verdict=Verdict.ERROR,
        requirement="The health-check node port answers 200 where there are local endpoints.",
        source=SERVICE,
        reason="The pod web-2 of this check did not become Ready within 60 s (ImagePullBackOff).",
        evidence=[Evidence(title="Traceback", path="evidence/gone.txt")],
        started=at(90),
        seconds=60.2,
    )


def unsupported(cell: str) -> Result:
    return Result(
        cell=cell,
        feature="gw.tcp",
        test="suites/gateway/test_tcp.py::test_tcp_route",
        title="A TCPRoute forwards a port",
        verdict=Verdict.UNSUPPORTED,
        requirement="A TCPRoute forwards connections of its listener's port.",
        source=GATEWAY,
        reason="Traefik serves TCPRoute only with its experimental channel, which is off.",
        started=at(150),
        seconds=0.0,
    )


def skipped(cell: str) -> Result:
    return Result(
        cell=cell,
        feature="svc.dual-stack",
        test="suites/services/test_dual_stack.py::test_both_families",
        title="A dual-stack Service answers on both addresses",
        verdict=Verdict.SKIPPED,
        requirement="A dual-stack Service has an address of each family and answers on both.",
        source="https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
        reason="The cluster has IPv4 only.",
        started=at(151),
        seconds=0.0,
    )


def evidence(run: Path, node: str) -> None:
    folder = run / "evidence" / node
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nft.txt").write_text(
        "table ip kube-proxy {\n\tchain service-XYZ-default/web/tcp/http {\n"
        "\t\tip daddr 10.96.12.7 tcp dport 80 jump mark-for-masquerade\n"
        "\t\tnumgen random mod 2 vmap { 0 : goto endpoint-A, 1 : goto endpoint-B }\n\t}\n}\n" * 4
    )
    (folder / "objects.yaml").write_text(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n"
        "spec:\n  type: NodePort\n  externalTrafficPolicy: Local\n"
    )
    (folder / "kube-proxy.log").write_text(
        "".join(
            f"\x1b[32mI\x1b[0m0301 08:01:{second % 60:02d} proxier.go:814] syncProxyRules took 11.2ms <{second}>\n"
            for second in range(900)
        )
    )


def loads(cell: str, mode: str, controller: str, drawn: random.Random) -> list[Load]:
    """Four profiles; the one through the controller at a fixed rate is void in the mode nftables."""
    faster = 1.0 if mode == "iptables" else 0.82
    lagged = "The generator lagged: p99 of its send lag was 9.4 ms, more than 1 ms. Give it a core of its own."
    slower = 1 + len(controller) / 100
    profiles = (
        ("per-request", "clusterip", "pod on n1", 2000, 0.00042 * faster, ""),
        ("per-request", "nodeport", "client-1", 2000, 0.00061 * faster, ""),
        ("steady", "controller", "client-1", 1000, 0.0013, lagged if mode == "nftables" else ""),
        ("saturation", "controller", "client-1", 0, 0.0041 * slower, ""),
    )
    return [load(cell, profile, drawn) for profile in profiles]


def load(cell: str, asked: tuple[str, str, str, float, float, str], drawn: random.Random) -> Load:
    profile, target, vantage, rate, median, void = asked
    histogram = HdrHistogram(1, 60_000_000, 3)
    for _ in range(5_000):
        slow = 12 if drawn.random() < 0.004 else 1
        histogram.record_value(int(1e6 * median * slow * drawn.lognormvariate(0, 0.28)), 4)
    quantiles = {f"p{share:g}": histogram.get_value_at_percentile(share) / 1e6 for share in (50, 90, 99, 99.9)}
    quantiles["max"] = histogram.get_max_value() / 1e6
    answered = rate * 0.9995 or 1.9 / median * drawn.uniform(0.97, 1.03) * 8
    return Load(
        cell=cell,
        profile=profile,
        target=target,
        vantage=vantage,
        shape="arrival-rate" if rate else "saturation",
        connection="keep-alive" if target == "controller" else "per-request",
        started=at(160),
        seconds=10.0,
        warmup_seconds=2.0,
        offered_rate=rate,
        users=1 if rate else 16,
        requests=int(answered * 10),
        errors={"timeout": 3, "reset": 1} if target == "nodeport" else {},
        throughput=Interval(value=answered, low=answered * 0.985, high=answered * 1.012),
        latency_seconds={
            name: Interval(value=value, low=value * 0.96, high=value * 1.05) for name, value in quantiles.items()
        },
        histogram=histogram.encode().decode(),
        send_lag_seconds={"p50": 0.000021, "p99": 0.000088, "max": 0.0012} if rate else {},
        void=void,
        conditions={"generator CPU": "61 % of one core", "steal": "0.2 %", "seed": "20260301", "intervals": "95 %"},
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2].split(",") if len(sys.argv) > 2 else ("iptables", "nftables"),
          sys.argv[3].split(",") if len(sys.argv) > 3 else ("traefik",))  # fmt: skip
