"""Loosening: every change of the contract that lets more through, as named rows, against the contract that shipped
last.

In: the lock and the contract of the candidate. Out: rows such as `slo auroc: target >= 0.70 → >= 0.60`, and the digest
of exactly these rows, which a decision record signed under the old contract must cover. What cannot be shown to be no
looser counts as looser: a rewritten expression, another generator, a new key of a person. Tightening makes no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import Lock
from shipworthy.contract.loosening_assistant import assistant_rows
from shipworthy.contract.loosening_cases import case_rows
from shipworthy.contract.loosening_on_call import on_call_rows
from shipworthy.contract.loosening_policy import never_rows, slo_rows
from shipworthy.contract.loosening_runtime import runtime_rows
from shipworthy.contract.loosening_scan import scan_rows
from shipworthy.contract.loosening_scope import (
    decision_rows,
    feature_rows,
    judged_rows,
    limit_rows,
    people_rows,
    relation_rows,
    review_rows,
)
from shipworthy.facts import Digest, digest

_STAKES = ("low", "standard", "high")


def loosenings(
    old: Lock, new: Contract, covered: frozenset[str] = frozenset(), rows: Mapping[str, Digest] | None = None
) -> tuple[str, ...]:
    """Return a row per loosening, sorted, none when nothing lets more through.

    `covered` holds `feature=value` for each category whose promoted incident case of this subject passes: a wider
    category list is excused for exactly these values. `rows` are the digests of the rows that the evidence was made on,
    None when there is no evidence: then nothing ships anyway.
    """
    parts: tuple[Iterable[str], ...] = (
        _stakes(old, new),
        slo_rows(old.policy, new.policy),
        never_rows(old.policy, new.policy),
        case_rows(old.pack, new.cases, new.digests),
        _seed(old, new),
        _segment_keys(old, new),
        people_rows(old.people, new.people),
        _issuers(old, new),
        review_rows(old.review, new.manifest.review),
        feature_rows(old.features, new.manifest.features, covered),
        relation_rows(old.relations, new.manifest.relations),
        limit_rows(old.scope_limits, new.manifest.scope_limits),
        decision_rows(old, new.manifest),
        runtime_rows(old, new.manifest),
        judged_rows(old.rows, rows),
        scan_rows(old.scan_classes, new.manifest.scan.classes),
        assistant_rows(old.assistant, new.manifest.assistant),
        on_call_rows(old.on_call, new.manifest.on_call) if old.stakes == "high" else (),
    )
    return tuple(sorted({row for rows in parts for row in rows}))


def loosening_digest(rows: Iterable[str], under: Digest = "") -> Digest:
    """Return the digest that a decision record must cover: these rows, no more and no fewer.

    `under` is the digest of the lock's subject: with it an approval cannot be used again under a later contract.
    """
    return digest({"rows": sorted(set(rows)), "under": under})


def _stakes(old: Lock, new: Contract) -> Iterator[str]:
    if _STAKES.index(new.manifest.stakes) < _STAKES.index(old.stakes):
        yield f"stakes: {old.stakes} → {new.manifest.stakes}"


def _seed(old: Lock, new: Contract) -> Iterator[str]:
    """Every case draws from it: whoever may try seeds until all are green has no pack."""
    if old.seed is not None and new.seed != old.seed:
        yield f"pack: seed {old.seed} → {new.seed}"


def _segment_keys(old: Lock, new: Contract) -> Iterator[str]:
    kept = {key.key for key in new.manifest.segments.keys}
    yield from (f"segment key {key}: removed" for key in old.segment_keys if key not in kept)


def _issuers(old: Lock, new: Contract) -> Iterator[str]:
    short: Callable[[str], str] = lambda key: digest(key.strip().encode())[7:19]  # noqa: E731
    for name in ("signing", "verdict"):
        before, after = getattr(old.issuers, name), getattr(new.issuers, name)
        if before.strip() != after.strip():
            yield f"issuer {name}: key {short(before)} → {short(after)}"
