"""What the gateway holds of one version while it serves.

In: the artefact's release record, its profile and the manifest, read by whoever wires the runtime. Out: one frozen
value with the few things a request needs. The scorer and the thresholds come in by shape, not by type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shipworthy.deploy.neverevents import NeverEvents

ABSTAIN_ON = frozenset({"not_finite", "out_of_range"})


class Ood(Protocol):
    """The out-of-distribution score of one row: conformal `p`, the `view` and `feature` it came from, the `flag`."""

    @property
    def p(self) -> float: ...
    @property
    def view(self) -> str: ...
    @property
    def feature(self) -> str | None: ...
    @property
    def flag(self) -> bool: ...
    @property
    def unseen(self) -> tuple[str, ...]: ...


class OodScorer(Protocol):
    """Scores rows against one version's reference; `bucket` names the categories its model has not seen."""

    def score(self, row: Mapping[str, Any], /) -> Ood: ...
    def bucket(self, row: Mapping[str, Any], /) -> tuple[str, ...]: ...


class Words(Protocol):
    """The words that leave."""

    @property
    def deny(self) -> str: ...
    @property
    def approve(self) -> str: ...
    @property
    def review(self) -> str: ...


class Cut(Protocol):
    """Thresholds of one bucket: scores up to `deny` are denied, from `approve` up approved. None = nothing valid."""

    @property
    def deny(self) -> float | None: ...
    @property
    def approve(self) -> float | None: ...


def bucket_name(unseen: tuple[str, ...]) -> str:
    """Return the name of the thresholds: `*`, the one feature unseen, or several joined (which nobody calibrated).

    >>> bucket_name(()), bucket_name(("supplier",)), bucket_name(("supplier", "region"))
    ('*', 'supplier', 'region+supplier')
    """
    return "+".join(sorted(unseen)) or "*"


def no_uncertainty(score: float, bucket: str) -> float | None:
    """The uncertainty of a release that has no table of it: unknown."""
    return None


@dataclass(frozen=True, slots=True)
class Release:
    """One version. `columns`: (feature, type) in model order.

    `max_uncertainty`: denials above it go to a person. `uncertainty(score, bucket)`: the release's table, None where it
    knows nothing. `fallback` and `kill_fallback` are the manifest's, `overflow` that of its review queue. `abstain_on`:
    flagged views of the OOD score on which no machine answers. `idempotent`: asking its model twice does no more than
    asking it once; where not, what it may have seen is not asked again.
    """

    version: str
    words: Words
    columns: tuple[tuple[str, str], ...]
    scorer: OodScorer
    never: NeverEvents = field(default_factory=lambda: NeverEvents(()))
    uncertainty: Callable[[float, str], float | None] = no_uncertainty
    max_uncertainty: float | None = None
    fallback: str = "refuse"
    kill_fallback: str = "nobody"
    overflow: str = "refuse"
    abstain_on: frozenset[str] = ABSTAIN_ON
    idempotent: bool = True

    @property
    def person_on_failure(self) -> bool:
        """True when a person decides what no model could."""
        return self.fallback == "human_review"

    @property
    def person_on_never(self) -> bool:
        """True when a person decides what a never event withheld."""
        return self.fallback == "human_review" or self.kill_fallback == "human_review"
