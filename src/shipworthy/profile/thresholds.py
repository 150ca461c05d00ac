"""Which scores a machine may answer, with the proof, kept by the platform and signed with the release.

In: calibration scores and labels, and the same rows with one category hidden per bucket. Out: `Thresholds`
(`release.json`), and per request a `Choice`. Low scores deny, high ones approve, the rest goes to a person. A bucket is
for rows whose value of one category the model has not seen: what was proven for known values proves nothing there.
No proven threshold, no score, or two unknown categories at once: a person.

Source of the guarantee: `stats.risk_control` (Learn then Test). Uncertainty is the platform's own upper bound of the
positive rate at a score (`stats.uncertainty`); a denial above `max_uncertainty` goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from shipworthy.errors import UsageError
from shipworthy.facts import Fact
from shipworthy.stats.risk_control import ProvenThreshold, approve_threshold, deny_threshold
from shipworthy.stats.uncertainty import UncertaintyTable, fit, look_up

KNOWN = "*"
SEVERAL = ""  # the bucket of rows with two unknown categories: nothing is ever proven for it
MACHINE = "machine"
PERSON = "person"

Scored = tuple[Sequence[float | None], Sequence[int | None]]


class ReviewBounds(Protocol):
    """What the manifest signs: the share of wrong answers allowed among denied and approved, with chance 1 - delta."""

    @property
    def denied(self) -> float: ...
    @property
    def approved(self) -> float: ...
    @property
    def delta(self) -> float: ...
    @property
    def start_n(self) -> int: ...
    @property
    def max_uncertainty(self) -> float | None: ...


class Words(Fact, frozen=True, kw_only=True):
    """The decisions that leave."""

    deny: str = "deny"
    approve: str = "approve"
    review: str = "review"


class Bucket(Fact, frozen=True, kw_only=True):
    """Thresholds of one bucket (`*` = every category known). None = nothing proven: a person.

    `n_deny`, `wrong_deny` and `upper_deny` are the proof: so many automatic answers, so many wrong, and the one-sided
    bound of their rate; the same for approve.
    """

    feature: str
    n: int
    deny: float | None
    approve: float | None
    n_deny: int = 0
    wrong_deny: int = 0
    upper_deny: float | None = None
    n_approve: int = 0
    wrong_approve: int = 0
    upper_approve: float | None = None


class Thresholds(Fact, frozen=True, kw_only=True):
    """The thresholds of one release."""

    version: int = 1
    buckets: tuple[Bucket, ...]
    uncertainty: UncertaintyTable
    max_uncertainty: float | None
    words: Words = Words()

    def bucket_of(self, unknown: Sequence[str]) -> str:
        """Return the bucket of a row, given its categories unknown to the model. Features without a bucket of their
        own count as known; two with one are in none."""
        own = {bucket.feature for bucket in self.buckets}
        named = [feature for feature in unknown if feature in own]
        if not named:
            return KNOWN
        return named[0] if len(named) == 1 else SEVERAL


class Choice(Fact, frozen=True, kw_only=True):
    """What happens to one answer. `route` is `machine` or `person`; `why` says it in words."""

    decision: str
    route: str
    uncertainty: float | None
    bucket: str
    why: str


def fit_thresholds(
    scores: Sequence[float | None],
    labels: Sequence[int | None],
    hidden: Mapping[str, Scored],
    review: ReviewBounds,
    words: Words,
    design_effect: float = 1.0,
) -> Thresholds:
    """Return the thresholds of calibration rows. `hidden[feature]` = scores and labels of rows with it made unknown.

    Rows without a score or label are left out: they never reach a threshold. Raises UsageError on unequal lengths.
    """
    kept = _kept(scores, labels)
    parts = [(KNOWN, kept), *((name, _kept(*hidden[name])) for name in sorted(hidden))]
    return Thresholds(
        buckets=tuple(_bucket(name, *part, review, design_effect) for name, part in parts),
        uncertainty=fit(*kept),
        max_uncertainty=None if review.max_uncertainty is None else float(review.max_uncertainty),
        words=words,
    )


def no_thresholds(scores: Sequence[float | None], labels: Sequence[int | None], words: Words) -> Thresholds:
    """Return thresholds that answer nothing by machine: every row goes to a person. Raises UsageError like the fit."""
    known, truths = _kept(scores, labels)
    return Thresholds(
        buckets=(Bucket(feature=KNOWN, n=len(known), deny=None, approve=None),),
        uncertainty=fit(known, truths),
        max_uncertainty=None,
        words=words,
    )


def decide(thresholds: Thresholds, score: float | None, bucket: str = KNOWN) -> Choice:
    """Return the choice for one score. Whatever cannot be decided goes to a person, never to a machine."""
    words = thresholds.words
    if score is None or not 0.0 <= score <= 1.0:
        return Choice(decision=words.review, route=PERSON, uncertainty=None, bucket=bucket, why="no score")
    unsure = look_up(thresholds.uncertainty, score)
    at = next((one for one in thresholds.buckets if one.feature == bucket), None)
    decision, why = words.review, "nothing is proven for this bucket"
    if at is not None:
        decision, why = _answer(at, score, words)
    if decision == words.deny and thresholds.max_uncertainty is not None and unsure > thresholds.max_uncertainty:
        decision, why = words.review, f"uncertainty {unsure:.3f} above {thresholds.max_uncertainty:g}"
    route = PERSON if decision == words.review else MACHINE
    return Choice(decision=decision, route=route, uncertainty=unsure, bucket=bucket, why=why)


def moved(thresholds: Thresholds, bucket: str, deny: float | None, approve: float | None) -> Thresholds:
    """Return the thresholds with one bucket recalibrated; its proof is then in the ledger, no longer here.

    Raises UsageError for a bucket this release does not have.
    """
    if bucket not in {one.feature for one in thresholds.buckets}:
        raise UsageError(f"no bucket {bucket!r}", "release.json", "recalibrate a bucket of this release")
    buckets = tuple(
        Bucket(feature=bucket, n=0, deny=deny, approve=approve) if one.feature == bucket else one
        for one in thresholds.buckets
    )
    return msgspec.structs.replace(thresholds, buckets=buckets)


def _answer(at: Bucket, score: float, words: Words) -> tuple[str, str]:
    denies = at.deny is not None and score <= at.deny
    approves = at.approve is not None and score >= at.approve
    if denies and approves:
        return words.review, "both thresholds hold"
    if denies:
        return words.deny, f"at or below {at.deny:g}"
    if approves:
        return words.approve, f"at or above {at.approve:g}"
    return words.review, "between the thresholds"


def _bucket(feature: str, scores: list[float], labels: list[int], review: ReviewBounds, design_effect: float) -> Bucket:
    low = deny_threshold(scores, labels, review.denied, review.delta, review.start_n, design_effect=design_effect)
    high = approve_threshold(scores, labels, review.approved, review.delta, review.start_n, design_effect=design_effect)
    nothing = ProvenThreshold(threshold=0.0, n=0, wrong=0, upper=1.0, level=1.0 - review.delta)
    deny, approve = low or nothing, high or nothing
    return Bucket(
        feature=feature,
        n=len(scores),
        deny=None if low is None else low.threshold,
        approve=None if high is None else high.threshold,
        n_deny=deny.n,
        wrong_deny=deny.wrong,
        upper_deny=None if low is None else low.upper,
        n_approve=approve.n,
        wrong_approve=approve.wrong,
        upper_approve=None if high is None else high.upper,
    )


def _kept(scores: Sequence[float | None], labels: Sequence[int | None]) -> tuple[list[float], list[int]]:
    if len(scores) != len(labels):
        raise UsageError(f"{len(scores)} scores and {len(labels)} labels", "thresholds", "give one label a score")
    pairs = [
        (p, y)
        for p, y in zip(scores, labels, strict=True)
        if p is not None and 0.0 <= p <= 1.0 and y is not None and y in (0, 1)
    ]
    return [p for p, _ in pairs], [y for _, y in pairs]
