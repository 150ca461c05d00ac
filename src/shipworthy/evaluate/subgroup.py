"""Does one group bear more of the harm than another.

In: held-out rows with answers, the protected features, and the metric an SLO names. Out: subgroup_gap = the largest
difference of that metric between two groups of one protected feature, and one listed part per pair. Groups with fewer
than 100 rows in the metric's denominator are listed and not judged: a gap between two handfuls is noise.

Bounds by Newcombe's method. The judged upper bound is the largest of the pairs' (valid as it stands: it fails only if
that of the truly largest gap fails); the judged lower bound is the largest one after Bonferroni, since it was picked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.answered import MACHINE, PERSON, Answered, selected, wrong_alone, wrong_by_half
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import clustering, nothing, number
from shipworthy.facts import Measurement
from shipworthy.profile.groups import group_of
from shipworthy.stats.bounds import newcombe_difference

LEAST_ROWS = 100
INDICATORS = ("subgroup_gap",)
DEFAULT_METRIC = "error_rate"

_Claim = Callable[[Bench, Answered], bool]
METRICS: dict[str, tuple[_Claim, _Claim]] = {
    # name: (what is counted, among which rows)
    "error_rate": (lambda bench, one: wrong_by_half(one), lambda bench, one: one.label is not None),
    "false_negative_rate": (lambda bench, one: wrong_by_half(one), lambda bench, one: one.label == 1),
    "false_positive_rate": (lambda bench, one: wrong_by_half(one), lambda bench, one: one.label == 0),
    "selection_rate": (lambda bench, one: one.score is not None and one.score >= 0.5, lambda bench, one: True),
    "true_positive_rate": (lambda bench, one: not wrong_by_half(one), lambda bench, one: one.label == 1),
    "accuracy": (lambda bench, one: not wrong_by_half(one), lambda bench, one: one.label is not None),
    "serious_auto_denied": (
        lambda bench, one: one.decision == bench.words.deny,
        lambda bench, one: one.label == 1,
    ),
    "auto_error_rate": (
        lambda bench, one: wrong_alone(bench, one),
        lambda bench, one: one.label is not None and one.route == MACHINE,
    ),
    "review_rate": (lambda bench, one: one.route == PERSON, lambda bench, one: True),
}

_Group = tuple[str, int, int]  # name, hits, n


def evaluate(bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered]) -> tuple[Measurement, ...]:
    """Return the gap per ask with its parts; on everything with the default metric when protected features exist."""
    protected = [one for one in bench.features if one.protected]
    wanted = [ask for ask in asks if ask.indicator in INDICATORS]
    if not wanted and protected:
        wanted = [Ask(indicator="subgroup_gap")]
    made: list[Measurement] = []
    for ask in wanted:
        made += _gaps(bench, ask, protected, selected(bench, answered, ask.segment))
    return tuple(made)


def _gaps(bench: Bench, ask: Ask, protected: list[Feature], answered: Sequence[Answered]) -> list[Measurement]:
    metric = ask.metric or DEFAULT_METRIC
    if metric not in METRICS:
        return [nothing(ask, f"unknown metric {metric!r}; known: {', '.join(METRICS)}")]
    if not protected:
        return [nothing(ask, "no feature is declared protected")]
    counted, among = METRICS[metric]
    rows = [one for one in answered if among(bench, one)]
    hits = [counted(bench, one) for one in rows]
    deff = clustering(bench, rows, hits)
    pairs = [
        (feature.name, *pair)
        for feature in protected
        for pair in combinations(_groups(feature, rows, hits), 2)
        if pair[0][2] and pair[1][2]
    ]
    parts = [_part(ask, metric, deff, *pair) for pair in pairs]
    return [_judged(ask, metric, deff, pairs, parts), *parts]


def _groups(feature: Feature, rows: list[Answered], hits: list[bool]) -> list[_Group]:
    """The groups of one feature, highest rate first, so that every difference is counted upwards."""
    seen: dict[str, tuple[int, int]] = {}
    for one, hit in zip(rows, hits, strict=True):
        name = group_of(feature, one.row.get(feature.name))
        before = seen.get(name, (0, 0))
        seen[name] = (before[0] + hit, before[1] + 1)
    groups = [(name, hit, n) for name, (hit, n) in sorted(seen.items())]
    return sorted(groups, key=lambda group: -group[1] / group[2])


def _part(ask: Ask, metric: str, deff: float, feature: str, worse: _Group, better: _Group) -> Measurement:
    value, lo, hi = _gap(worse, better, ask.level, deff)
    n = min(worse[2], better[2])
    thin = f"; not judged: {n} of {LEAST_ROWS} rows" if n < LEAST_ROWS else ""
    part = f"{feature}: {worse[0]} - {better[0]}"
    return number(ask, value, lo, hi, n, f"{metric}, Newcombe{thin}", part)


def _judged(
    ask: Ask, metric: str, deff: float, pairs: list[tuple[str, _Group, _Group]], parts: list[Measurement]
) -> Measurement:
    kept = [pair for pair in pairs if min(pair[1][2], pair[2][2]) >= LEAST_ROWS]
    if not kept:
        n = max((part.n for part in parts), default=0)
        return nothing(ask, f"no two groups with {LEAST_ROWS} rows each", n=n)
    strict = 1.0 - (1.0 - ask.level) / len(kept)
    gaps = [_gap(worse, better, ask.level, deff) for _, worse, better in kept]
    lows = [_gap(worse, better, strict, deff)[1] for _, worse, better in kept]
    n = min(min(worse[2], better[2]) for _, worse, better in kept)
    method = f"{metric}, Newcombe, largest of {len(kept)} pairs, lower bound Bonferroni"
    return number(ask, max(gap[0] for gap in gaps), max(lows), max(gap[2] for gap in gaps), n, method)


def _gap(worse: _Group, better: _Group, level: float, deff: float) -> tuple[float, float, float]:
    lo, hi = newcombe_difference(worse[1], worse[2], better[1], better[2], level, deff)
    return worse[1] / worse[2] - better[1] / better[2], max(0.0, lo), max(0.0, hi)
