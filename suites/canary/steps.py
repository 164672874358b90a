"""A canary whose weight changes under load: what is applied at each step, and from when on it is in force."""

from __future__ import annotations

import time
from collections.abc import Callable

from fixtures.routes import INGRESSES, Routes

ANNOTATIONS = "nginx.ingress.kubernetes.io"


class Canary:
    """One canary of `ramp_by_httproute.yaml` or `ramp_by_ingress.yaml`."""

    def __init__(self, flavour: str, routes: Routes, host: str) -> None:
        self.routes = routes
        self.host = host
        self._name = host.partition(".")[0]
        self._by_ingress = flavour == "by-ingress"
        self._manifest = f"ramp_{flavour.replace('-', '_')}.yaml"
        self.weighed = 0.0
        """When the API had answered that it took the last weight; Unix time."""

    def weigh(self, percent: int) -> float:
        """Give the canary so many per cent, and wait until that is in force; the seconds from the API's answer to then.

        The value of the header X-Step changes together with the weight, and that header always calls the canary.
        """
        if self._by_ingress:
            canary = self.routes.object(self._manifest, "Ingress", f"{self._name}-canary")
            told = {"canary-weight": str(percent), "canary-by-header-value": str(percent)}
            canary["metadata"]["annotations"] |= {f"{ANNOTATIONS}/{key}": value for key, value in told.items()}
            self.routes.apply(canary)
        else:
            route = self.routes.object(self._manifest, "HTTPRoute", self._name)
            step, split = route["spec"]["rules"]
            step["matches"][0]["headers"][0]["value"] = str(percent)
            split["backendRefs"][0]["weight"], split["backendRefs"][1]["weight"] = 100 - percent, percent
            self.routes.apply(route)
        self.weighed = time.time()
        return self.routes.await_backend(self.host, "canary", headers={"X-Step": str(percent)})

    def abort(self) -> float:
        """Take the canary away: everything goes to the stable backend again."""
        if self._by_ingress:
            self.routes.namespace.delete(INGRESSES, "Ingress", f"{self._name}-canary")
        else:
            self._lead_to("stable")
        return self.routes.await_backend(self.host, "stable")

    def promote(self) -> float:
        """Have the canary be what is stable: the rule leads to its Service alone."""
        if self._by_ingress:
            stable = self.routes.object(self._manifest, "Ingress", self._name)
            service = stable["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
            service["name"] = f"canary-{self._name}"
            self.routes.apply(stable)
            self.routes.await_backend(self.host, "canary")
            self.routes.namespace.delete(INGRESSES, "Ingress", f"{self._name}-canary")
        else:
            self._lead_to("canary")
        return self.routes.await_backend(self.host, "canary")

    def _lead_to(self, backend: str) -> None:
        route = self.routes.object(self._manifest, "HTTPRoute", self._name)
        route["spec"]["rules"] = [{"backendRefs": [{"name": backend, "port": 80}]}]
        self.routes.apply(route)


Steps = Callable[[str], Canary]
