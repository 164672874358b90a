"""What a run's stream holds, record by record.

One run is one folder, ``runs/<id>/``. Its ``results.jsonl`` is append-only: a `Header`, then for each cell a `Cell`,
its `Result`, `Load`, `Propagation` and `Witness` records and a `CellEnd`, and last a `Footer`. A stream without a
footer is a run that broke off: renderers say so and the exit status is 2. Everything shown later is made from this
stream and the evidence files beside it, never from a live cluster.

The JSON schema of these records is published as ``reports/schema.json`` (``python -m reports schema``).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

SCHEMA = 1
"""Raised whenever a reader of older streams would misread a newer one."""


class Verdict(StrEnum):
    """What became of one check. A crash never passes: whatever is not judged is an error of ours."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One line of the stream; its ``type`` names the record."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions that figures depend on."""

    system: str
    kernel: str
    cpu: str
    cores: int
    memory_bytes: int
    python: str


class Header(Record, frozen=True, kw_only=True, omit_defaults=False, tag="header"):
    """First line: what was asked, where, with what. Written in full: a reader needs the schema's number above all."""

    schema: int = SCHEMA
    run: str
    started: str
    """RFC 3339, UTC."""
    command: str
    """What the user typed, so that it can be typed again."""
    roadtest: str
    commit: str = ""
    machine: Machine
    seed: int
    not_verified: dict[str, str] = {}
    """Controllers that are defined, that no run has ever had, and that this one left out → what it takes to run one."""


class Cell(Record, frozen=True, kw_only=True, tag="cell"):
    """One cluster under test: a mode with its controllers, on a provider."""

    cell: str
    """``<mode>-<controller>``, unique in the run, for example ``nftables-traefik``."""
    started: str
    provider: str
    provider_reason: str
    """Why this provider: what the user said, or what answered and what did not."""
    mode: str
    controller: str = ""
    """Empty where no controller was installed."""
    controller_title: str = ""
    """What its project calls it."""
    controller_url: str = ""
    """Its own documentation."""
    nodes: int
    versions: dict[str, str] = {}
    """Component → version, as the cluster itself reports them where it can."""
    conditions: dict[str, str] = {}
    """Whatever else a reader needs to compare: iptables back end, image source, start-up seconds ..."""
    timings: dict[str, float] = {}
    """Step of the cluster's start-up → seconds since its start."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try of a probe, told so that a reader can follow it."""

    at: str
    """RFC 3339 with milliseconds, UTC."""
    vantage: str
    target: str
    outcome: str
    """``answered``, or the kind of error (see `fixtures.observations.Outcome`)."""
    seconds: float
    detail: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One file that explains a verdict, relative to the run's folder."""

    title: str
    path: str


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened while a steady stream of requests was sent."""

    at: float
    """Seconds since the stream began."""
    what: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A steady stream of requests, each counted where it was sent: sent = answered + failed."""

    vantage: str
    target: str
    began: str
    """RFC 3339 with milliseconds, UTC."""
    bin_seconds: float
    answered: list[int]
    """Count of each bin."""
    failed: dict[str, list[int]] = {}
    """How they were lost → count of each bin."""
    slowest: list[float] = []
    """Seconds that the slowest answer of each bin took."""
    moments: list[Moment] = []


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """What a kube-proxy mode does by design, where modes differ."""

    says: str
    source: str
    """Public URL that says so."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a behaviour that ingress-nginx's annotations ask for was asked for here: for the table of parity."""

    behaviour: str
    """``rewrite-target``."""
    controller: str
    way: str
    """One of the controller's ways, by name."""
    title: str
    """The way, in words."""
    text: str = ""
    """The manifest, to be copied; empty where the controller has no recipe for it."""
    like_ingress_nginx: bool | None = None
    """Whether it did as ingress-nginx does, where that is recorded: a quirk."""


class Result(Record, frozen=True, kw_only=True, tag="result"):
    """One check's verdict, and its story."""

    cell: str
    feature: str
    """Id in the catalogue, for example ``svc.etp.local``; empty only where a test names none (an error of ours)."""
    test: str
    """pytest node id."""
    title: str
    verdict: Verdict
    requirement: str
    """The sentence that must hold."""
    source: str
    """Public URL of the requirement."""
    by_design: Design | None = None
    """How the cell's mode does it, where modes differ by design: what was judged here is that."""
    reason: str = ""
    """Why it is failed, error, unsupported or skipped, in a sentence; empty when passed."""
    expected: str = ""
    observed: str = ""
    attempts: list[Attempt] = []
    evidence: list[Evidence] = []
    reproduce: str = ""
    """The command that runs this one check again."""
    started: str
    seconds: float
    statistics: dict[str, float] = {}
    """For verdicts by statistics: n, alpha, p, and what was counted."""
    notes: dict[str, str] = {}
    """What was recorded and not judged: behaviour that the specification leaves open."""
    timelines: list[Timeline] = []
    """Of the steady streams that were sent while the check changed something."""
    recipe: Recipe | None = None
    """Of checks that compare controllers with ingress-nginx."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its interval."""

    value: float
    low: float
    high: float


class Load(Record, frozen=True, kw_only=True, tag="load"):
    """One profile's figures in one cell."""

    cell: str
    profile: str
    target: str
    """``clusterip``, ``nodeport`` or ``controller``."""
    vantage: str
    shape: str
    """``arrival-rate`` (open) or ``saturation`` (closed)."""
    connection: str
    """``per-request`` or ``keep-alive``."""
    started: str
    seconds: float
    """Measured time, the warm-up left out."""
    warmup_seconds: float
    offered_rate: float = 0.0
    """Requests per second that the schedule asked for; 0 for saturation."""
    users: int = 1
    requests: int
    errors: dict[str, int] = {}
    """Kind of error → count."""
    throughput: Interval
    """Answered requests per second."""
    latency_seconds: dict[str, Interval]
    """``p50``, ``p90``, ``p99``, ``p99.9``, ``max``, from the intended send time where the shape is open."""
    histogram: str = ""
    """The latency histogram (microseconds) in HdrHistogram's V2 compressed base64 form."""
    send_lag_seconds: dict[str, float] = {}
    """``p50``, ``p99``, ``max`` of actual minus intended send time."""
    void: str = ""
    """Why the figures may not be used, for example a generator that lagged; empty when they may."""
    conditions: dict[str, str] = {}
    """Generator CPU share, steal, seed, kernel settings."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One change."""

    first_right: float
    last_wrong: float
    largest_gap: float = 0.0
    """Between two questions: how long the sender stood still at most."""
    blurred: bool = False
    """It stood still for too long just where the answers changed."""
    unanswered: int = 0
    """Questions after the first right answer that had none."""
    status: float | None = None
    """When the object's status said that it is served, where it has one."""


class Propagation(Record, frozen=True, kw_only=True, tag="propagation"):
    """How long one kind of change takes from the API to the packets, among so many Services."""

    cell: str
    change: str
    """``service``, ``endpoint`` or ``dns``; behind a controller ``ingress``, ``httproute`` or ``gateway``."""
    told: str
    """The change in a sentence."""
    services: int
    """How many there were in the cluster."""
    started: str
    changes: int
    """How many were timed."""
    first_right_seconds: dict[str, Interval]
    """``p50``, ``p90``, ``p99``, ``max``: from the API's acknowledgement to the first question that was answered right;
    below zero where that was before."""
    last_wrong_seconds: dict[str, Interval]
    """To the last question that was not."""
    unbounded: list[str] = []
    """Quantiles that so few changes do not bound from above: they are at least what is told."""
    own_seconds_at_most: dict[str, float] = {}
    """kube-proxy's own ``network_programming_duration_seconds`` meanwhile: upper bounds of the buckets of p50, p99."""
    own_count: int = 0
    """How many changes it counted."""
    status_seconds: dict[str, Interval] = {}
    """Of an Ingress, a route or a Gateway: to the moment at which its status said that it is served."""
    status_first: int = 0
    """In how many changes the status said so before the first question was answered right."""
    samples: list[Sample] = []
    void: str = ""
    """Why the figures may not be used, for example a sender that stood still; empty when they may."""
    conditions: dict[str, str] = {}


class Witness(Record, frozen=True, kw_only=True, tag="witness"):
    """What somebody else's test suite says of the cell's cluster: their test, their verdict, none of ours."""

    cell: str
    suite: str
    """``k8s``: Kubernetes' own end-to-end tests; ``gateway-api``: the Gateway API's conformance tests."""
    version: str
    test: str
    """Its name, as they have it."""
    verdict: Verdict
    source: str = ""
    """Public URL of the test's code."""
    features: list[str] = []
    """Features of our catalogue that judge the same behaviour."""
    reason: str = ""
    """Why it is failed, error or skipped, in their words; empty when passed."""
    evidence: list[Evidence] = []
    reproduce: str = ""
    started: str
    seconds: float


class CellEnd(Record, frozen=True, kw_only=True, tag="cell-end"):
    """The cell came to its end; without it the cell broke off."""

    cell: str
    finished: str
    seconds: dict[str, float]
    """Phase → wall seconds: ``create``, ``suites``, ``load``, ``delete``."""
    trouble: str = ""
    """Why the cell could not be run to its end (an error of ours, or of the machine); empty when it could."""


class Footer(Record, frozen=True, kw_only=True, tag="footer"):
    """Last line: the run is whole."""

    finished: str
    verdicts: dict[str, int]
    exit_status: int


AnyRecord = Header | Cell | Result | Load | Propagation | Witness | CellEnd | Footer
