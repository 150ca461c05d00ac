"""What an evaluation is given: rows, a model to ask, the reference profile, thresholds, and what is asked for.

Nothing here opens anything. The model is a callable over batches, so a process, a remote server or a plain function
look the same; datasets are already loaded, by the name or path the contract calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shipworthy.contract.assistant import Assistant
from shipworthy.contract.generators import Shape
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.expr import Expression
from shipworthy.facts import Case, CaseResult, Conversation, Digest, Measurement, PairedRows, Policy, Reply, Subject
from shipworthy.facts.texts import TEXT, as_text
from shipworthy.indicators import INDICATORS
from shipworthy.profile.probes import COHORTS
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category
from shipworthy.profile.score import Scorer
from shipworthy.profile.thresholds import Thresholds, Words


class Plugin(Protocol):
    """An evaluator that another package brings: how it is called, and what runs it."""

    @property
    def shape(self) -> Shape: ...
    def run(self, case: Case, bench: Bench, seed: int) -> CaseShown: ...


class Answers(Protocol):
    """What a model answers to a batch: a score in [0, 1] or None per row, and its own decisions if it makes any."""

    @property
    def scores(self) -> Sequence[float | None]: ...
    @property
    def decisions(self) -> Sequence[str | None] | None: ...


Model = Callable[[list[list[Value]]], Answers]
"""Takes rows of values in manifest feature order: text for categories and texts, None for an empty cell."""


Chat = Callable[[Sequence[Conversation]], Sequence[Reply | None]]
"""A model that writes text: one reply a conversation, in order; None where it gave none."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What the lock keeps of the version last shipped: its artefact, quantised scores and outcome bits per case."""

    artefact: Digest
    paired: PairedRows
    bits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything one evaluation may touch.

    `datasets` holds rows by name (and by path, for the rows of cases). `held_out`, `train` and `trusted` name the
    datasets for measuring, for the model's own training rows, and for rows approved earlier; `cohorts` those of rows
    that should look unlike the reference, where loaded. `label` is the column with the truth (0/1), `unit` the column
    whose rows belong together, `time` the one that orders them, `relations` what holds in every valid row,
    `plugins` the generators of other packages by name. `chat` asks the model that writes text, where the contract
    declares one as `assistant`; `system` is its system prompt.

    `known` is the model without the meter, for rows of data sets that it has answered already, and `charge` counts
    these against the budget of the case that runs; both None where nothing is known. `tables` keeps what was made of
    data sets once for all cases.
    `accepted` are the cases whose open question people have accepted, signed and not expired; `cells` is one value for
    each cell that the model's own thresholds cut a feature into, None where they cannot be read.
    """

    subject: Subject
    features: tuple[Feature, ...]
    label: str
    datasets: Mapping[str, Sequence[Row]]
    model: Model
    seed: int
    scorer: Scorer | None = None
    thresholds: Thresholds | None = None
    words: Words = field(default_factory=Words)
    unit: str | None = None
    time: str | None = None
    baseline: Baseline | None = None
    relations: tuple[Expression, ...] = ()
    held_out: str = "test"
    train: str = "train"
    trusted: str = "calibration"
    cohorts: tuple[str, ...] = COHORTS
    plugins: Mapping[str, Plugin] = field(default_factory=dict)
    charge: Callable[[int], None] | None = field(default=None, repr=False, compare=False)
    known: Model | None = field(default=None, repr=False, compare=False)
    tables: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    chat: Chat | None = None
    assistant: Assistant | None = None
    system: str = ""
    accepted: frozenset[str] = frozenset()
    cells: Mapping[str, tuple[Value, ...]] | None = None

    def rows(self, name: str) -> Sequence[Row]:
        """Return a dataset. Raises ContractError for one that was not loaded: a typo must not become no rows."""
        if name not in self.datasets:
            raise ContractError(f"no dataset {name!r}", "evaluate", f"one of {', '.join(sorted(self.datasets))}")
        return self.datasets[name]

    def feature(self, name: str) -> Feature | None:
        """Return the feature of that name, or None."""
        return next((one for one in self.features if one.name == name), None)

    def values(self, row: Row) -> list[Value]:
        """Return the row as the model takes it."""
        return [cell_of(one, row.get(one.name)) for one in self.features]

    def ask(self, rows: Sequence[Row]) -> tuple[list[float | None], list[str | None] | None]:
        """Return the model's scores and decisions. Raises ContractError unless there is one answer a row."""
        if not rows:
            return [], None
        answers = self.model([self.values(row) for row in rows])
        decisions = None if answers.decisions is None else list(answers.decisions)
        if len(answers.scores) != len(rows) or (decisions is not None and len(decisions) != len(rows)):
            raise ContractError(f"{len(answers.scores)} answers to {len(rows)} rows", "model", "answer every row once")
        return [_probability(score) for score in answers.scores], decisions


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One number an SLO asks for. Several SLOs on the same number share one measurement at the strictest level."""

    indicator: str
    segment: str = "*"
    quantile: int | None = None
    level: float = 0.95
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseShown:
    """What running one case gives: its result, and measurements where the case is the source of an indicator."""

    result: CaseResult
    measurements: tuple[Measurement, ...] = ()


def asks_of(policy: Policy) -> tuple[Ask, ...]:
    """Return what the policy asks of an offline evaluation, once each, in the policy's order."""
    asks: dict[tuple[str, str, int | None], Ask] = {}
    for slo in policy.slos:
        row = INDICATORS.get(slo.indicator)
        if row is None or not row.offline:
            continue
        for segment in slo.segments:
            key = (slo.indicator, segment, slo.quantile)
            level = max(slo.level, asks[key].level) if key in asks else slo.level
            asks[key] = Ask(
                indicator=slo.indicator, segment=segment, quantile=slo.quantile, level=level, metric=slo.metric
            )
    return tuple(asks.values())


def cell_of(feature: Feature, value: Value) -> Value:
    """Return a cell as the model takes it."""
    if feature.type == CATEGORY:
        return as_category(value)
    return as_text(value) if feature.type == TEXT else value


def _probability(score: float | None) -> float | None:
    """A score outside [0, 1], or NaN, is no score."""
    return float(score) if score is not None and 0.0 <= score <= 1.0 else None
