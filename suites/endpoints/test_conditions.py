"""The conditions of endpoints, as whoever watches EndpointSlices sees them change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import dropwhile

from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.expectations import equal
from fixtures.in_pods import run_in
from fixtures.slices import Conditions, Timeline, timeline
from fixtures.timeouts import Timeout
from fixtures.workloads import Namespace

READY = Conditions(ready=True, serving=True, terminating=False)
UNREADY = Conditions(ready=False, serving=False, terminating=False)
ENDING = Conditions(ready=False, serving=True, terminating=True)
"""It still serves, and is ready for new traffic no more."""
ENDED = Conditions(ready=False, serving=False, terminating=True)


def becomes(seen: Timeline, pod: str, state: Conditions | None) -> None:
    """The pod's endpoint gets to a state; nothing: it is there no more."""
    read = partial(seen.now, pod)
    told = str(state) if state else "gone"
    await_value(read, lambda now: now == state, what=f"the endpoint of {pod} to be {told}", timeout=Timeout.READY)


@feature("ep.slices.conditions")
def test_conditions_follow_readiness_and_deletion(namespace: Namespace, note: Callable[[str, object], None]) -> None:
    """“For endpoints backed by pods, the EndpointSlice controller will mark the endpoint as serving if the pod's Ready
    condition is True”; “terminating indicates that this endpoint is terminating”; “an endpoint should be marked ready
    if it is serving and not terminating”.
    https://kubernetes.io/docs/reference/kubernetes-api/discovery/endpoint-slice-v1/#EndpointConditions
    """
    namespace.apply("conditions.yaml")
    (pod,) = namespace.wait_ready()
    run = partial(run_in, namespace, pod.name)
    with timeline(namespace, "web") as seen:
        becomes(seen, pod.name, READY)
        run("touch", "/tmp/unready")
        becomes(seen, pod.name, UNREADY)
        run("rm", "/tmp/unready")
        becomes(seen, pod.name, READY)
        namespace.delete("v1", "Pod", pod.name)
        becomes(seen, pod.name, ENDING)
        becomes(seen, pod.name, None)
    note("timeline", "; ".join(f"{at:.1f} s {state or 'gone'}" for at, state in seen.of(pod.name)))
    # Between its end and its removal a pod is unready for a moment, which may be told or not. And a pod is Ready before
    # its endpoint is.
    states = [state for _, state in seen.of(pod.name) if state != ENDED]
    states = list(dropwhile(lambda state: state != READY, states))
    equal("the states of the endpoint, one after the other", [READY, UNREADY, READY, ENDING, None], states)
