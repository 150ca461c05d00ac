"""Do the rows it is judged on still look like those it was built from: drift_excess and prediction_drift, offline.

In: the training rows and the held-out ones, as the manifest splits them (by time, where it should tell of time). Out:
drift_excess = the feature that moved most, its KS distance (total variation for categories) less what sampling alone
gives, with certified bounds, and one part per feature. prediction_drift = the same of the scores, against the trusted
rows, which were not trained on: a model is surer of rows it has seen, and that is no drift. Without trusted rows it is
measured against the training rows and says so.

The judged upper bound is the largest of the features' (valid as it stands); the lower one is the largest after
Bonferroni, since it was picked. Rows of one unit count as fewer. Of more than MOST_ROWS rows a sample is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.answered import Answered, answer, in_segment, selected
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import nothing, number
from shipworthy.evaluate.parameters import sampled
from shipworthy.facts import Measurement, seed_of
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, as_category, as_number, is_missing
from shipworthy.stats.drift import Distance, categories_apart, numbers_apart

INDICATORS = ("drift_excess", "prediction_drift")
MOST_ROWS = 20_000

_Reference = Callable[[], list[Answered]]


def evaluate(bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered]) -> tuple[Measurement, ...]:
    """Return both per ask, with the parts of drift_excess; drift_excess of everything also where nobody asked and there
    are training rows. Only prediction_drift asks the model."""
    wanted = [ask for ask in asks if ask.indicator in INDICATORS]
    if bench.train in bench.datasets and not any(
        (ask.indicator, ask.segment) == (INDICATORS[0], "*") for ask in wanted
    ):
        wanted.append(Ask(indicator=INDICATORS[0]))

    @cache
    def reference() -> list[Answered]:
        return list(answer(bench, _thinned(bench, _trusted(bench))))

    made: list[Measurement] = []
    for ask in wanted:
        rows = sampled(selected(bench, answered, ask.segment), MOST_ROWS, seed_of(bench.seed, "drift", ask.segment))
        made += _scores(bench, ask, rows, reference) if ask.indicator == INDICATORS[1] else _features(bench, ask, rows)
    return tuple(made)


def _features(bench: Bench, ask: Ask, held_out: Sequence[Answered]) -> list[Measurement]:
    if bench.train not in bench.datasets:
        return [nothing(ask, f"no rows {bench.train!r} to compare with")]
    reference = [
        row for row in _thinned(bench, bench.train) if ask.segment == "*" or in_segment(bench, row, ask.segment)
    ]
    rows = [one.row for one in held_out]
    features = [one for one in bench.features if one.type != TEXT]  # a text has no values that repeat
    if not reference or not rows or not features:
        return [
            nothing(ask, f"{len(rows)} held-out rows, {len(reference)} training rows", n=min(len(rows), len(reference)))
        ]
    effects = (_crowding(bench, reference), _crowding(bench, rows))
    strict = 1.0 - (1.0 - ask.level) / len(features)
    found = [(one.name, _apart(one, reference, rows, ask.level, effects)) for one in features]
    lowest = max(_apart(one, reference, rows, strict, effects).lower for one in features)
    n, against = min(len(rows), len(reference)), f"{len(rows)} held-out against {len(reference)} training rows"
    name, worst = max(found, key=lambda one: one[1].excess)
    method = f"{name}, worst of {len(found)}: KS - sampling, certified bounds, lower Bonferroni; {against}"
    hi = max(one.upper for _, one in found)
    judged = number(ask, worst.excess, min(lowest, worst.excess), hi, n, method)
    return [judged, *(_part(ask, feature, one, n) for feature, one in found)]


def _scores(bench: Bench, ask: Ask, held_out: Sequence[Answered], reference: _Reference) -> list[Measurement]:
    if _trusted(bench) not in bench.datasets:
        return [nothing(ask, f"no rows {bench.trusted!r} or {bench.train!r} to compare with")]
    before = selected(bench, reference(), ask.segment)
    told = [[one.score for one in part] for part in (before, held_out)]
    n = min(len(before), len(held_out))
    if any(score is None for scores in told for score in scores):
        return [nothing(ask, "rows without a score", n=n)]
    if not n:
        return [nothing(ask, f"{len(held_out)} held-out rows, {len(before)} to compare with")]
    effects = (_crowding(bench, [one.row for one in before]), _crowding(bench, [one.row for one in held_out]))
    seen = numbers_apart(told[0], told[1], ask.level, effects, bench.seed)
    hedge = "" if _trusted(bench) == bench.trusted else ", which it was trained on: memory looks like drift"
    method = f"KS - sampling, certified bounds; {len(held_out)} held-out against {len(before)} {_trusted(bench)}{hedge}"
    return [number(ask, seen.excess, min(seen.lower, seen.excess), seen.upper, n, method)]


def _part(ask: Ask, feature: str, seen: Distance, n: int) -> Measurement:
    method = f"{seen.seen:.4g} between the samples, {seen.null:.4g} by sampling"
    return number(ask, seen.excess, min(seen.lower, seen.excess), seen.upper, n, method, feature)


def _apart(
    feature: Feature, reference: Sequence[Row], rows: Sequence[Row], level: float, effects: tuple[float, float]
) -> Distance:
    name = feature.name
    if feature.type == CATEGORY:
        texts = [[as_category(row.get(name)) for row in part] for part in (reference, rows)]
        return categories_apart(texts[0], texts[1], level, effects)
    numbers = [[as_number(row.get(name)) for row in part] for part in (reference, rows)]
    return numbers_apart(numbers[0], numbers[1], level, effects)


def _trusted(bench: Bench) -> str:
    return bench.trusted if bench.trusted in bench.datasets else bench.train


def _thinned(bench: Bench, name: str) -> list[Row]:
    return sampled(bench.rows(name), MOST_ROWS, seed_of(bench.seed, "drift reference"))


def _crowding(bench: Bench, rows: Sequence[Row]) -> float:
    """Rows over independent rows, at worst: the sum of squared unit sizes over the rows (Kish, 1965)."""
    sizes: dict[object, int] = {}
    for at, row in enumerate(rows):
        unit = None if bench.unit is None else row.get(bench.unit)
        key: object = ("row", at) if bench.unit is None or is_missing(unit) else ("unit", unit)
        sizes[key] = sizes.get(key, 0) + 1
    return sum(size * size for size in sizes.values()) / len(rows)
