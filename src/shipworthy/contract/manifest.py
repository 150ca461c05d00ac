"""The shapes of `shipworthy.yaml`: the manifest of one model repository.

In: what the strict reader found. Out: frozen values that every room reads. Only shapes and small look-ups live here.
"""

from __future__ import annotations

from typing import Literal

from shipworthy.contract.assistant import Assistant
from shipworthy.contract.drills import Drills
from shipworthy.contract.on_call import OnCall
from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.facts import Fact, Person

Stakes = Literal["low", "standard", "high"]
KEPT = {"abuse_log": "30d"}  # how long records last for which `retention` says nothing


class Feature(Fact, frozen=True, kw_only=True):
    """One input of the model, in the order the model takes them.

    `type`: `int`, `float`, `bool` (0/1), `category` (one of some words) or `text` (what somebody wrote). `mutable`: may
    an attacker change it: `no`, `yes`, `increase`, `decrease`. `min`, `max` are the declared range of numbers; for text
    `max` is the most characters. `unit` names a unit a sender could mistake.
    `group` names a one-hot group. `protected` features are audited. `bins` cut a number into groups (edges).
    `accepted` are categories known to the contract though unknown to the model.
    """

    name: str
    type: Literal["int", "float", "bool", "category", "text"]
    mutable: Literal["no", "yes", "increase", "decrease"] = "no"
    min: float | None = None
    max: float | None = None
    unit: str | None = None
    group: str | None = None
    protected: bool = False
    bins: tuple[float, ...] = ()
    accepted: tuple[str, ...] = ()
    cost: float = 1.0


class Relation(Fact, frozen=True, kw_only=True):
    """What holds between features in every row that could exist, in the language of expressions, such as
    `paid <= amount`. An attack keeps every relation, or proves nothing; a relation that cannot be told is not kept."""

    name: str
    holds: str


class Adapter(Fact, frozen=True, kw_only=True):
    """How the model is opened. `sklearn`: `file` is a skops archive inside the artefact folder, `encoding` an optional
    JSON table for categories. `python`: `entry` is `file.py:function` inside the artefact folder."""

    kind: Literal["sklearn", "python"]
    file: str = "model.skops"
    encoding: str | None = None
    entry: str | None = None


class Scan(Fact, frozen=True, kw_only=True):
    """What the artefact may name beyond the scanner's own list: `classes`, each in full (`credit.model.Scorecard`).

    `shipworthy scan --learn` proposes them. Adding one is a loosening.
    """

    classes: tuple[str, ...] = ()


class Dataset(Fact, frozen=True, kw_only=True):
    """Rows of a CSV (optionally .gz), filtered by an expression over its columns."""

    path: str
    where: str = "true"


class Label(Fact, frozen=True, kw_only=True):
    """The column that holds the truth (0/1) and how old a decision must be before its labels count."""

    column: str
    matured_after: str = "72h"


class Decisions(Fact, frozen=True, kw_only=True):
    """The words that leave: low scores give `deny`, high ones `approve`, the rest `review`."""

    deny: str = "deny"
    approve: str = "approve"
    review: str = "review"


class Review(Fact, frozen=True, kw_only=True):
    """Signed bounds inside which thresholds may move: wrong among denied / approved, at confidence 1 - delta.

    `start_n`: first grid point tested holds at least this many scores. `buckets`: features hidden to calibrate separate
    thresholds for rows whose value the model has not seen. `max_uncertainty`: denials above it go to a person.
    """

    denied: float
    approved: float
    delta: float = 0.05
    start_n: int = 200
    buckets: tuple[str, ...] = ()
    max_uncertainty: float | None = None


class SegmentKey(Fact, frozen=True, kw_only=True):
    """A key that segments traffic. `public` keeps the value; otherwise it is shown as a keyed hash."""

    key: str
    public: bool = False


class Segments(Fact, frozen=True, kw_only=True):
    """Segment keys and the declared pairs of keys."""

    keys: tuple[SegmentKey, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


class Stage(Fact, frozen=True, kw_only=True):
    """One rollout stage: `share` percent of the units of each named tenant (`*` = all). `advance`: `auto` or a role."""

    name: str
    share: float
    tenants: tuple[str, ...]
    min_samples: int = 100
    advance: str = "auto"


class Shadow(Fact, frozen=True, kw_only=True):
    """Requests that the candidate also scores without answering: `segments` (canonical text) of the stage's tenants."""

    segments: tuple[str, ...] = ()


class Compare(Fact, frozen=True, kw_only=True):
    """What the candidate may be worse by than the baseline, beside it in the same stage. None: not compared.

    `errors`, `review_rate`: rise of the rate of failed attempts, of requests sent to a person (0.01 = one in a hundred
    more). `latency`: how much more often any time may be exceeded. `disagreement`: share of shadow scores that differ
    from what left; a new version is meant to differ, so nothing is asked unless it is written.
    `false_rollbacks`: how probable it may be at most that a rollout of a candidate that is no worse is rolled back.
    """

    errors: float | None = 0.01
    latency: float | None = 0.10
    review_rate: float | None = 0.05
    disagreement: float | None = None
    false_rollbacks: float = 0.05


class Rollout(Fact, frozen=True, kw_only=True):
    """The stages of a rollout, the salt of its unit hash, what is shadowed, and what each stage compares."""

    stages: tuple[Stage, ...]
    salt: str = ""
    shadow: Shadow = Shadow()
    compare: Compare = Compare()


class Throttle(Fact, frozen=True, kw_only=True):
    """GCRA: `rate_per_s` sustained, `burst` requests at once."""

    rate_per_s: float
    burst: int


class Throttles(Fact, frozen=True, kw_only=True):
    """The default throttle and those of named tenants."""

    default: Throttle
    tenants: dict[str, Throttle] = {}


class ScopeLimit(Fact, frozen=True, kw_only=True):
    """A limit set by the safety review: requests in `segment` get at most this posture. `decision` names the record."""

    name: str
    segment: str
    posture: Literal["human_review", "safe_mode"]
    decision: str


class Source(Fact, frozen=True, kw_only=True):
    """Where data came from (C7). `file` and `digest` bind the record to bytes."""

    name: str
    origin: str
    licence: str
    consent: str
    known_skews: str
    poisoning_checks: str
    file: str
    digest: str


class Endpoint(Fact, frozen=True, kw_only=True):
    """A decision endpoint. High-impact ones are judged one by one."""

    name: str
    high_impact: bool = True


class PersonRef(Fact, frozen=True, kw_only=True):
    """A person as written in the manifest; `key` is the path of an OpenSSH public key file in the repository."""

    id: str
    name: str
    roles: tuple[str, ...]
    key: str

    def with_key(self, text: str) -> Person:
        """Return the person with the text of the public key."""
        return Person(id=self.id, name=self.name, roles=self.roles, key=text)


class Issuers(Fact, frozen=True, kw_only=True):
    """Paths of the trusted public keys: `signing` (EC P-256 PEM) for models, `verdict` (Ed25519 PEM) for verdicts."""

    signing: str
    verdict: str


class Manifest(Fact, frozen=True, kw_only=True):
    """One model repository. See `docs/reference/manifest.md`.

    At low stakes six keys are enough: model, stakes, owner, features, label and datasets. Above them `version`,
    `adapter` and `issuers` must be written (`stakes.py`).
    """

    model: str
    stakes: Stakes
    owner: str
    features: tuple[Feature, ...]
    label: Label
    version: str = "1"
    adapter: Adapter = Adapter(kind="sklearn")
    issuers: Issuers = Issuers(signing="keys/signing.pub", verdict="keys/verdict.pub")
    people: tuple[PersonRef, ...] = ()
    on_call: OnCall | None = None
    relations: tuple[Relation, ...] = ()
    assistant: Assistant | None = None
    artefacts: str = "model"
    build: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    lockfile: str | None = None
    scan: Scan = Scan()
    decisions: Decisions = Decisions()
    review: Review | None = None
    review_queue: ReviewQueue = ReviewQueue()
    unit: str | None = None
    tenant: str | None = None
    segments: Segments = Segments()
    endpoints: tuple[Endpoint, ...] = (Endpoint(name="decide"),)
    datasets: dict[str, Dataset] = {}
    data_sources: tuple[Source, ...] = ()
    rollout: Rollout | None = None
    throttles: Throttles | None = None
    scope_limits: tuple[ScopeLimit, ...] = ()
    fallback: Literal["baseline", "human_review", "refuse"] = "refuse"
    kill_fallback: Literal["human_review", "nobody"] = "nobody"
    idempotent: bool = True
    alarms: dict[str, float] = {}
    retention: dict[str, str] = {}
    drills: Drills = Drills()

    def kept(self, record: str) -> str:
        """Return how long a kind of record lasts. Raises KeyError for one without a length of its own."""
        return self.retention.get(record, KEPT[record])

    def feature(self, name: str) -> Feature | None:
        """Return the feature of that name, or None."""
        return next((feature for feature in self.features if feature.name == name), None)
