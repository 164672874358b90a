"""Annotations that another cloud reads."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, equal
from fixtures.load_balancers import with_address
from fixtures.probes import http
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@feature("svc.lb.annotations")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.OUTSIDE_CLIENT)
def test_annotations_of_another_cloud_are_kept_and_do_no_harm(namespace: Namespace, client_1: Vantage) -> None:
    """“You can use Kubernetes annotations to attach arbitrary non-identifying metadata to objects.” Those that load
    balancers of AWS read mean nothing here: they stay as they are, and the Service gets its address and serves.
    https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
    https://kubernetes.io/docs/reference/labels-annotations-taints/#service-beta-kubernetes-io-aws-load-balancer-type
    """
    _, written = namespace.read("lb_annotations.yaml")
    wanted = written["metadata"]["annotations"]
    namespace.apply("lb_annotations.yaml")
    (pod,) = namespace.wait_ready()
    url = f"http://{at(with_address(namespace))}/hostname"
    converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{url} to answer")
    answered_by(http(client_1, url, count=5), [pod.name])
    stored = namespace.service("web")["metadata"].get("annotations", {})
    equal("the annotations for AWS", wanted, {name: stored[name] for name in wanted if name in stored})
