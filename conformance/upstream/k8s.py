"""Kubernetes' own end-to-end tests: `./noxw -s upstream -- --suite k8s`."""

from __future__ import annotations

from pathlib import Path

import reports
from clusters import components, families, paths
from clusters.components.catalogue import catalogue
from clusters.progress import Progress
from clusters.provider import Cluster
from reports.model import Verdict, Witness
from reports.views.marks import MARKS

from . import images, mapping, records, running, selection
from .options import FOCUS, Options
from .outcomes import Outcome
from .progress import Ended, Reader
from .records import Recorder
from .running import Asked, Programs
from .selection import Selection

COMPONENT = "e2e"


class KubernetesTests:
    """The suite, ready to be run."""

    name = "k8s"

    def __init__(self, programs: Programs, chosen: Selection) -> None:
        self._programs = programs
        self.chosen = chosen
        self.version = catalogue().components[COMPONENT].version

    @property
    def about(self) -> str:
        return f"e2e.test {self.version}"

    @classmethod
    def prepare(cls, options: Options, progress: Progress) -> KubernetesTests:
        """What takes part, and which tests: everything that can be wrong before a cluster is made."""
        found = components.resolve(["e2e.test", "ginkgo", "kubectl"], progress)
        programs = Programs(found["e2e.test"], found["ginkgo"], found["kubectl"])
        version = catalogue().components[COMPONENT].version
        chosen = selection.select(programs.e2e, version, options.focus or FOCUS, options.skip)
        images.check(selection.images(programs.e2e))
        if gone := mapping.unknown(cls.name, chosen.every):
            progress.say(f"mapping_k8s.toml compares tests that e2e.test {version} does not have: {'; '.join(gone)}")
        return cls(programs, chosen)

    def hear(self, options: Options, cluster: Cluster, cell: str) -> tuple[str, int]:
        """Run the tests on a cluster and record what they say; why that is not all, and the exit status."""
        started = reports.timestamp()
        folder = (options.run / "upstream" / cell).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        asked = Asked(
            focus=options.focus or FOCUS, skip=options.skip, processes=options.processes, minutes=options.minutes
        )
        again = ["./noxw", "-s", "upstream", "--", "--suite", self.name, "--modes", cluster.mode]
        fixed = {"cell": cell, "suite": self.name, "version": f"v{self.version}", "started": started}
        recorder = Recorder(fixed, [*again, *family_words(options)], folder, options.run.resolve())
        tests = {test.name: test for test in self.chosen.chosen}
        heard: dict[str, Witness] = {}

        def hear_one(outcome: Outcome) -> None:
            heard[outcome.test] = recorder.witness(tests[outcome.test], outcome)
            reports.append(options.run, heard[outcome.test])

        seen = 0

        def tell(ended: Ended) -> None:
            nonlocal seen
            seen += 1
            mark = MARKS[ended.verdict].sign
            print(f"{seen:4} of {len(tests)} {mark} {ended.test}  {ended.seconds:.1f} s", flush=True)
            if ended.verdict is Verdict.PASSED:  # there is nothing more to say of it: it is kept, however the run ends
                hear_one(Outcome(test=ended.test, verdict=ended.verdict, seconds=ended.seconds))

        print(f"{len(tests)} tests of {self.about} on {cluster.name} (kube-proxy in mode {cluster.mode})", flush=True)
        with paths.temporary_folder("upstream-", cluster.scratch) as keys:  # a run's folder is kept and shown around
            kubeconfig = running.kubeconfig(cluster, Path(keys) / "kubeconfig")
            words = running.command(cluster, self._programs, asked, kubeconfig, folder)
            ended = running.follow(words, folder / "e2e.log", Reader(list(tests)), options.minutes, tell)
        told = records.gather(folder / running.REPORT, ended, self.chosen.chosen)
        for name in tests:
            if name not in heard:
                hear_one(told.outcomes[name])
        return told.trouble, running.status(heard.values(), told.trouble, ended)


def family_words(options: Options) -> list[str]:
    names = ",".join(family.lower() for family in options.families)
    return ["--families", names] if names != families.DEFAULT else []
