"""A metric of a generator as an oracle over named rows, and what it must not be taken for.

In: a case, and what its generator counts for each metric. Out: the case with `hits` and `among` written out; the places
that count against it; and a result that no longer passes where the model, or the policy, was of no use to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.oracle import HIT, MISS, UNKNOWN
from shipworthy.facts import Case, CaseResult, digest
from shipworthy.stats.bounds import rate_bounds


def as_counted(case: Case, counted: Mapping[str, tuple[str, str]]) -> Case:
    """Return the case with the `hits` of its metric, among the rows that its own `among` leaves of the metric's."""
    if case.oracle.metric is None:
        return case
    hits, among = counted[case.oracle.metric]
    oracle = msgspec.structs.replace(case.oracle, hits=hits, among=f"({among}) and ({case.oracle.among})", metric=None)
    return msgspec.structs.replace(case, oracle=oracle)


def places_against(case: Case, bits: str) -> list[int]:
    """Return the first places whose outcome counts against the case; what cannot be told does."""
    against = {UNKNOWN, MISS if case.oracle.op == ">=" else HIT}
    return [place for place, bit in enumerate(bits) if bit in against][:MOST]


def beside(case: Case, shown: CaseResult, told: str, useful: int, of: int, why: str) -> CaseResult:
    """Return the result with the useful share beside it. Of no use to any of those it should serve: no pass (`why`)."""
    lo, hi = rate_bounds(useful, of, case.oracle.level)
    because, status = f"{shown.because}; {told}: {useful} of {of} [{lo:.3g}, {hi:.3g}]", shown.status
    if status == "pass" and not useful:
        status, because = "inconclusive", f"{because}; {why}"
    return msgspec.structs.replace(shown, status=status, because=because, material=digest(case))
