"""What was measured: measurements, the evidence that holds them, and the run that made them.

`Evidence` carries no clock, so the same inputs give the same bytes; `Run` keeps when and where.
"""

from __future__ import annotations

from shipworthy.facts.base import Digest, Fact
from shipworthy.facts.imported import Origin

Cell = float | int | str | None


class Subject(Fact, frozen=True, kw_only=True):
    """Exactly what is judged: one version of one model, by the digests of all that made it."""

    model: str
    version: str
    artefact: Digest
    change: Digest
    policy: Digest
    pack: Digest
    data: Digest
    profile: Digest


class Comparison(Fact, frozen=True, kw_only=True):
    """A measurement against the baseline, on the same rows. `delta` > 0 is worse; `lo`, `hi` bound it one-sidedly.

    That of a rate carries its discordant counts, so that the gate can make it again: `worse` = rows wrong now and right
    before, `better` = the reverse.
    """

    baseline: Digest
    n: int
    delta: float
    lo: float
    hi: float
    p_worse: float
    method: str
    level: float = 0.95
    worse: int | None = None
    better: int | None = None
    design_effect: float = 1.0


class Measurement(Fact, frozen=True, kw_only=True):
    """One measured number with its sample size and one-sided bounds at `level`.

    `value`, `lo`, `hi` are None when the number was not finite or could not be made: never green.
    `source` is `offline`, `online`, `estimated` or `imported`. `part` names a probe kind, group pair, endpoint,
    feature or case; None is the judged one. `start` and `end` are RFC 3339 or "" offline. `origin` says where an
    `imported` one came from.
    """

    indicator: str
    segment: str = "*"
    quantile: int | None = None
    source: str = "offline"
    start: str = ""
    end: str = ""
    n: int
    hits: int | None = None
    value: float | None
    lo: float | None
    hi: float | None
    level: float = 0.95
    method: str = ""
    part: str | None = None
    design_effect: float = 1.0
    comparison: Comparison | None = None
    origin: Origin | None = None


class Coverage(Fact, frozen=True, kw_only=True):
    """Case and evaluator ids that were asked for and those that ran. Unequal is never green."""

    requested: tuple[str, ...]
    executed: tuple[str, ...]


class Example(Fact, frozen=True, kw_only=True):
    """One row that counted against a case, as a difference of records.

    `told`: it in words. `row`: its place among the rows of the case. `input`: the digest of the row as it was.
    `before`, `after`: only the fields that a generator changed; both empty where the row ran as it stands.
    """

    told: str
    row: int | None = None
    input: Digest | None = None
    before: dict[str, Cell] = {}
    after: dict[str, Cell] = {}


class CaseResult(Fact, frozen=True, kw_only=True):
    """What one pack case showed. `status`: `pass fail inconclusive error skipped`; `bits`: one outcome a paired row.

    `material`: the digest of the case as written. `requested`: the rows it should have run on (None = as many as `n`);
    fewer executed is never green. `queries`: rows the model was asked, `most_queries`: for one row, where a generator
    asks again and again. `worst`: up to five rows that count against it.
    """

    case: str
    status: str
    clause: str
    severity: str
    n: int
    hits: int | None
    value: float | None
    lo: float | None
    hi: float | None
    target: str
    because: str
    seed: int
    needs_n: int | None = None
    bits: str = ""
    worst: tuple[Example, ...] = ()
    segment: str = "*"
    material: Digest | None = None
    requested: int | None = None
    queries: int = 0
    most_queries: int | None = None


class PairedRows(Fact, frozen=True, kw_only=True):
    """One 16-bit quantised score per held-out row (4 hex digits each): a later candidate needs no rerun of us."""

    rows: Digest
    scores: str


class Evidence(Fact, frozen=True, kw_only=True):
    """All that one evaluation of one subject showed. No clock in it. `rows`: digests of the rows it was judged on."""

    subject: Subject
    measurements: tuple[Measurement, ...]
    coverage: Coverage
    cases: tuple[CaseResult, ...] = ()
    paired: PairedRows | None = None
    rows: dict[str, Digest] = {}
    tool: str = "shipworthy"
    tool_version: str
    assurance: str = "self_attested"


class Run(Fact, frozen=True, kw_only=True):
    """When and where evidence was made, kept apart from it. `seconds`: wall time by piece, of those that ran now;
    `network` of the model while it was asked: `none`, or `open` where the system gave no fence but its own guard, and
    where a case asked an assistant, which has none."""

    evidence: Digest
    started: str
    ended: str
    host: str
    versions: dict[str, str]
    seconds: dict[str, float] = {}
    engine: str = "local"
    network: str = "open"
