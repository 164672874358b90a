"""How long the programs around a cluster let their garbage lie: memory for processor time, of which a cluster has less.

Never kube-proxy, CoreDNS or a controller: what is judged and measured runs as it does elsewhere.
https://go.dev/doc/gc-guide
"""

from __future__ import annotations

from collections.abc import Mapping

LATER, LATEST = {"GOGC": "400"}, {"GOGC": "800"}
ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    # A third of what the API server does is marking: each collection looks through all definitions and their schemas.
    "kube-apiserver": LATEST,
    "etcd": LATER,
    "kube-controller-manager": LATER,
    "kube-scheduler": LATER,
    # With the shims, CNI plugins and runc that inherit it: a tenth less work for each pod, measured with 104 of them.
    "containerd": LATER,
    "kubelet": LATER,
}
"""By the name that a program is started under."""
