"""The Gateway API's own conformance tests on a controller.

`./noxw -s upstream -- --suite gateway-api --controller NAME`. Nothing of theirs is changed; their report is kept.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

import reports
from clusters import components, paths
from clusters.addons.api import ClusterApi
from clusters.components.catalogue import catalogue
from clusters.controllers.description import ControllerDescription, GatewayClaim
from clusters.controllers.found import of_cluster
from clusters.errors import UsageError
from clusters.progress import Progress
from clusters.provider import Cluster
from reports.model import Evidence, Verdict, Witness
from reports.views.marks import MARKS

from . import gateway_tests, mapping, running
from .go_tests import GoReader, broken_off
from .options import Options
from .outcomes import Outcome
from .progress import Ended
from .records import Recorder
from .selection import Selection

COMPONENT = "gateway-api-conformance"
REPORT = "conformance-report.yaml"
PROFILES = {
    "HTTPRoute": "GATEWAY-HTTP",
    "GRPCRoute": "GATEWAY-GRPC",
    "TLSRoute": "GATEWAY-TLS",
    "TCPRoute": "GATEWAY-TCP",
    "UDPRoute": "GATEWAY-UDP",
}
"""The route that a profile is about → the profile; to ask for one is to claim its core features.
https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/conformance/utils/suite/profiles.go
"""
CORE = ("Gateway", "HTTPRoute", "ReferenceGrant")
"""What every controller with Gateways must have."""
NOBODYS = "192.0.2.200"
"""No Gateway can get this address: it is for documentation (RFC 5737)."""


class GatewayTests:
    """The suite, ready to be run."""

    name = "gateway-api"

    def __init__(self, program: Path, chosen: Selection) -> None:
        self._program = program
        self.chosen = chosen
        self.version = catalogue().components[COMPONENT].version

    @property
    def about(self) -> str:
        return f"the Gateway API's conformance tests {self.version}"

    @classmethod
    def prepare(cls, options: Options, progress: Progress) -> GatewayTests:
        """What takes part, and which tests: everything that can be wrong before a cluster is made."""
        found = components.resolve(["gateway-api.test", "gateway-api-tests"], progress)
        version = catalogue().components[COMPONENT].version
        chosen = gateway_tests.select(found["gateway-api-tests"], version, options.focus or ".", options.skip)
        if gone := mapping.unknown(cls.name, chosen.every):
            progress.say(f"mapping_gateway_api.toml compares tests that {version} does not have: {'; '.join(gone)}")
        return cls(found["gateway-api.test"], chosen)

    def hear(self, options: Options, cluster: Cluster, cell: str) -> tuple[str, int]:
        """Run the tests on a cluster and record what they say; why that is not all, and the exit status."""
        controller, claim = self._under_test(cluster)
        folder = (options.run / "upstream" / cell).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        again = ["./noxw", "-s", "upstream", "--", "--suite", self.name, "--controller", controller.name]
        fixed = {"cell": cell, "suite": self.name, "version": f"v{self.version}", "started": reports.timestamp()}
        recorder = Recorder(fixed, again, folder, options.run.resolve())
        tests = {test.name: test for test in self.chosen.chosen}
        heard: dict[str, Witness] = {}
        reader = GoReader(list(tests))

        def hear_one(outcome: Outcome) -> None:
            told = recorder.witness(tests[outcome.test], outcome)
            if (folder / REPORT).exists():
                told = msgspec.structs.replace(told, evidence=[*told.evidence, report_of(folder, options.run)])
            heard[outcome.test] = told
            reports.append(options.run, told)

        ends: dict[str, Ended] = {}

        def tell(ended: Ended) -> None:
            ends[ended.test] = ended
            if ended.verdict is not Verdict.SKIPPED:
                mark = MARKS[ended.verdict].sign
                print(f"{len(ends):4} of {len(tests)} {mark} {ended.test}  {ended.seconds:.1f} s", flush=True)

        print(f"{len(tests)} tests of {self.about} on {controller.title}", flush=True)
        with paths.temporary_folder("upstream-", cluster.scratch) as keys:
            access = running.kubeconfig(cluster, Path(keys) / "kubeconfig")
            words = self._command(cluster, controller, claim, access, folder)
            ended = running.follow(words, folder / "gateway-api.log", reader, options.minutes, tell)
        for name in tests:
            hear_one(reader.outcome(ends[name]) if name in ends else broken_off(name))
        trouble = ended.trouble
        if not trouble and len(ends) < len(tests):
            trouble = f"the tests broke off with status {ended.status}: not all of them ran. {ended.last_words}"
        return trouble, running.status(heard.values(), trouble, ended)

    @staticmethod
    def _under_test(cluster: Cluster) -> tuple[ControllerDescription, GatewayClaim]:
        controller = next(iter(of_cluster(cluster)), None)
        if controller is None or controller.gateway is None:
            named = controller.title if controller else f"The cluster {cluster.name}"
            raise UsageError(f"{named} serves no Gateways.", "Name a controller that does: --controller NAME.")
        return controller, controller.gateway

    def _command(
        self, cluster: Cluster, controller: ControllerDescription, claim: GatewayClaim, access: Path, folder: Path
    ) -> list[str]:
        left_out = sorted(set(self.chosen.every) - {test.name for test in self.chosen.chosen})
        listed = listed_features(cluster, claim)
        claimed = listed or {*CORE, *claim.features}
        profiles = [profile for route, profile in PROFILES.items() if route in claimed]
        last = cluster.load_balancer_pool.rpartition("-")[2]
        return [
            *running.ends_with_us(),
            *running.place(cluster),
            *("env", f"KUBECONFIG={access}", str(self._program), "-test.v=test2json", "-test.run=^TestConformance$"),
            *("-test.timeout=0", f"--gateway-class={claim.class_name}"),
            # Without a list in the class's status it is its documentation that claims, as its folder has it.
            *([] if listed else [f"--supported-features={','.join(sorted(claimed))}"]),
            f"--conformance-profiles={','.join(profiles)}",
            *([f"--skip-tests={','.join(left_out)}"] if left_out else []),
            *([f"--usable-address={last}", f"--unusable-address={NOBODYS}"] if last else []),
            f"--report-output={folder / REPORT}",
            f"--organization={controller.title}",
            f"--project={controller.name}",
            f"--url={controller.documentation}",
            f"--version={cluster.versions.get(controller.name, 'unknown')}",
            f"--contact={controller.documentation}",
        ]


def listed_features(cluster: Cluster, claim: GatewayClaim) -> set[str]:
    """What the GatewayClass says in its status that the controller supports. https://gateway-api.sigs.k8s.io/geps/gep-2162/"""
    path = f"/apis/gateway.networking.k8s.io/v1/gatewayclasses/{claim.class_name}"
    status = ClusterApi(cluster.kubeconfig).get(path).get("status") or {}
    return {str(part["name"]) for part in status.get("supportedFeatures") or []}


def report_of(folder: Path, run: Path) -> Evidence:
    return Evidence(title="their ConformanceReport", path=str((folder / REPORT).relative_to(run.resolve())))
