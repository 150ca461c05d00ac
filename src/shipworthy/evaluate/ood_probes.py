"""Would we notice: recall of the live detector on faults of known kinds, and false alarms on ordinary rows.

In: held-out rows and the release's own scorer. Out: ood_recall (unit, sentinel, null, unseen), ood_recall_structural
(swap, shuffle, a hidden cohort and the rows of incidents, which should look unlike the reference) and ood_false_alarm.
One part per kind; the judged one is the weakest kind, by its lower bound. Kinds are never pooled: full recall on one
would hide blindness on another. A kind for which no row has an eligible field is listed with n = 0 and is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from shipworthy.evaluate.answered import Answered, selected
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import nothing, rate, rate_of
from shipworthy.facts import Measurement, seed_of
from shipworthy.profile.probes import PLAIN, STRUCTURAL, nullable_features, probe
from shipworthy.profile.rows import Row
from shipworthy.profile.score import Scorer

PROBES = 500  # rows probed per kind: 60 are the least an SLO asks for
INDICATORS = ("ood_recall", "ood_recall_structural", "ood_false_alarm")


def evaluate(bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered]) -> tuple[Measurement, ...]:
    """Return judged measurements and their parts per ask, and on everything what nobody asked for."""
    wanted = [ask for ask in asks if ask.indicator in INDICATORS]
    asked = {(ask.indicator, ask.segment) for ask in wanted}
    wanted += [Ask(indicator=name) for name in INDICATORS if (name, "*") not in asked]
    made: list[Measurement] = []
    for ask in wanted:
        rows = selected(bench, answered, ask.segment)
        if bench.scorer is None:
            made.append(nothing(ask, "no reference profile"))
        elif ask.indicator == "ood_false_alarm":
            made.append(rate_of(bench, ask, rows, [bench.scorer.score(one.row).flag for one in rows]))
        else:
            made += _recall(bench, bench.scorer, ask, [one.row for one in rows])
    return tuple(made)


def _recall(bench: Bench, scorer: Scorer, ask: Ask, rows: Sequence[Row]) -> list[Measurement]:
    kinds = PLAIN if ask.indicator == "ood_recall" else STRUCTURAL
    parts = [_kind(bench, scorer, ask, kind, rows) for kind in kinds]
    if ask.indicator == "ood_recall_structural":
        parts += [_cohort(bench, scorer, ask, name) for name in bench.cohorts]
    probed = [part for part in parts if part.n]
    if not probed:
        return [nothing(ask, "no kind has a probe"), *parts]
    weakest = min(probed, key=lambda part: (part.lo if part.lo is not None else 0.0, part.value or 0.0))
    without = [str(part.part) for part in parts if not part.n]
    told = f"; without probes, not judged: {', '.join(without)}" if without else ""
    judged = msgspec.structs.replace(
        weakest, part=None, method=f"weakest of {len(probed)} kinds: {weakest.part}; {weakest.method}{told}"
    )
    return [judged, *parts]


def _kind(bench: Bench, scorer: Scorer, ask: Ask, kind: str, rows: Sequence[Row]) -> Measurement:
    rng = np.random.default_rng(seed_of(bench.seed, "probe", kind, ask.segment))
    nullable = nullable_features(scorer.profile)
    hits = n = 0
    for place in rng.permutation(len(rows)):
        made = probe(kind, rows[place], bench.features, rng, nullable, rows)
        if made is not None:
            n += 1
            hits += scorer.score(made).flag
        if n == PROBES:
            break
    return rate(ask, hits, n, part=kind) if n else nothing(ask, "no row has an eligible field", kind)


def _cohort(bench: Bench, scorer: Scorer, ask: Ask, name: str) -> Measurement:
    rows = bench.datasets.get(name, ())
    if not rows:
        return nothing(ask, "no such rows were given", name)
    return rate(ask, sum(scorer.score(row).flag for row in rows), len(rows), part=name)
