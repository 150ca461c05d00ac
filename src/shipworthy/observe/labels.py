"""Labels come late: each one is added to the minute of the decision it is about.

In: a receipt and the truth. Out: `LabelSummary`s of integers, for all tenants and the receipt's own, in `*` and in each
of its segments and groups, and the `LabelCells` of its threshold bucket. Whoever keeps them takes the first label of a
request and no second one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.facts import FIXED, LABEL_CELLS, LAG_BINS, SCORE_BINS, LabelCells, LabelSummary, Receipt
from shipworthy.facts.adding import added
from shipworthy.observe.minutes import minutes_in
from shipworthy.observe.windows import SHADOW
from shipworthy.stats.risk_control import cell_of

HOUR = 60
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class ShadowScore:
    """What a version that did not answer would have scored."""

    version: str
    score: float | None


def label_summary(
    receipt: Receipt, label: int, words: Decisions, shadow: ShadowScore | None = None, lag: int = 0
) -> tuple[LabelSummary, ...]:
    """Return what one label adds: for the version that answered, by machine or person, and for its shadow.

    A machine's answer is wrong when it denied a positive or approved a negative; a word that the contract does not
    have is wrong as well. `lag`: whole minutes from the decision to the label. A receipt without a score (`score_bin`
    outside the bins) counts no calibration. Raises ValueError when the label is not 0 or 1.
    """
    if label not in (0, 1):
        raise ValueError(f"a label is 0 or 1, not {label!r}")
    machine = receipt.route == "machine"
    wrong = machine and {words.deny: 0, words.approve: 1}.get(receipt.decision) != label
    scored = 0 <= receipt.score_bin < SCORE_BINS and 0 <= receipt.score_q <= FIXED
    sums = _sums(receipt.score_bin, receipt.score_q / FIXED, label) if scored else {}
    summaries = tuple(
        replace(one, machine=int(machine), machine_wrong=int(wrong), lag=_one_of(LAG_BINS, lag.bit_length()))
        for one in _keyed(receipt, receipt.version, receipt.arm, sums)
    )
    if shadow is None or shadow.score is None or not 0.0 <= shadow.score <= 1.0:
        return summaries
    score_bin = min(int(shadow.score * SCORE_BINS), SCORE_BINS - 1)
    return (*summaries, *_keyed(receipt, shadow.version, SHADOW, _sums(score_bin, shadow.score, label)))


def review_summary(receipt: Receipt, changed: bool) -> tuple[LabelSummary, ...]:
    """Return what a person's answer to a suggestion adds: one review, overturned when it `changed` the suggestion."""
    return tuple(
        replace(one, reviewed=1, overturned=int(changed)) for one in _keyed(receipt, receipt.version, receipt.arm, {})
    )


def label_cells(receipt: Receipt, label: int, bucket: str) -> tuple[LabelCells, ...]:
    """Return what one label adds to the cells that thresholds of a bucket are proven on; nothing without a score."""
    if not 0 <= receipt.score_q <= FIXED:
        return ()
    cell = cell_of(receipt.score_q / FIXED)
    hour = receipt.minute - receipt.minute % HOUR
    n, positives = _one_of(LABEL_CELLS, cell), _one_of(LABEL_CELLS, cell, label)
    return (LabelCells(version=receipt.version, bucket=bucket, minute=hour, n=n, positives=positives),)


def matured(minute: int, now_minute: int, matured_after: str) -> bool:
    """True when every decision of the minute is at least `matured_after` old.

    >>> matured(0, 72 * 60, "72h"), matured(0, 72 * 60 + 1, "72h")
    (False, True)
    """
    return minute < matured_before(now_minute, matured_after)


def matured_before(now_minute: int, matured_after: str) -> int:
    """Return the first minute that has not matured: the end of every window of matured labels."""
    return now_minute - minutes_in(matured_after)


def merge(a: LabelSummary, b: LabelSummary) -> LabelSummary:
    """Return the sum of two summaries of one key. Raises ValueError when they are not of one key."""
    if key_of(a) != key_of(b):
        raise ValueError(f"not one window: {key_of(a)} and {key_of(b)}")
    return added(a, b)


def merged(summaries: Iterable[LabelSummary]) -> tuple[LabelSummary, ...]:
    """Return one summary per key, sorted: the same bytes in whatever order the labels came."""
    sums: dict[Key, LabelSummary] = {}
    for summary in summaries:
        name = key_of(summary)
        sums[name] = merge(sums[name], summary) if name in sums else summary
    return tuple(sums[name] for name in sorted(sums))


def key_of(summary: LabelSummary) -> Key:
    """Return what a summary is of."""
    return summary.version, summary.arm, summary.tenant, summary.segment, summary.minute


def _sums(score_bin: int, score: float, label: int) -> dict[str, tuple[int, ...]]:
    return {
        "n": _one(score_bin, 1),
        "positives": _one(score_bin, label),
        "sum_p": _one(score_bin, round(score * FIXED)),
        "sum_pq": _one(score_bin, round(score * (1.0 - score) * FIXED)),
    }


def _one(score_bin: int, amount: int) -> tuple[int, ...]:
    return _one_of(SCORE_BINS, score_bin, amount)


def _one_of(bins: int, at: int, amount: int = 1) -> tuple[int, ...]:
    at = min(at, bins - 1)
    return (0,) * at + (amount,) + (0,) * (bins - 1 - at)


def _keyed(receipt: Receipt, version: str, arm: str, sums: dict[str, tuple[int, ...]]) -> tuple[LabelSummary, ...]:
    first = LabelSummary(version=version, arm=arm, tenant="*", segment="*", minute=receipt.minute)
    full = replace(first, **sums)
    return tuple(
        replace(full, tenant=tenant, segment=segment)
        for tenant in dict.fromkeys(("*", receipt.tenant))
        for segment in dict.fromkeys(("*", *receipt.segments, *receipt.groups))
    )
