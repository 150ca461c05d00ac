"""Does one group bear more of the harm than another.

In: held-out rows with answers, the protected features, and the metric an SLO names. Out: subgroup_gap = the largest
difference of that metric between two groups of one protected feature, and one listed part per pair. Groups with fewer
than 100 rows in the metric's denominator are listed and not judged: a gap between two handfuls is noise.
Bounds: `stats.group_gaps`, which judges live traffic as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.answered import MACHINE, PERSON, Answered, selected, wrong_alone, wrong_by_half
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import clustering, nothing, number
from shipworthy.facts import Measurement
from shipworthy.profile.groups import group_of
from shipworthy.stats.group_gaps import LEAST_ROWS, GapPair, Group, gap_pairs, largest_gap

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
    pairs = gap_pairs({feature.name: _groups(feature, rows, hits) for feature in protected})
    return [_judged(ask, metric, deff, pairs), *(_part(ask, metric, deff, pair) for pair in pairs)]


def _groups(feature: Feature, rows: list[Answered], hits: list[bool]) -> list[Group]:
    seen: dict[str, tuple[int, int]] = {}
    for one, hit in zip(rows, hits, strict=True):
        name = group_of(feature, one.row.get(feature.name))
        before = seen.get(name, (0, 0))
        seen[name] = (before[0] + hit, before[1] + 1)
    return [Group(name, *counts) for name, counts in sorted(seen.items())]


def _part(ask: Ask, metric: str, deff: float, pair: GapPair) -> Measurement:
    value, lo, hi = pair.bounds(ask.level, deff)
    thin = f"; not judged: {pair.n} of {LEAST_ROWS} rows" if pair.thin else ""
    return number(ask, value, lo, hi, pair.n, f"{metric}, Newcombe{thin}", pair.name)


def _judged(ask: Ask, metric: str, deff: float, pairs: Sequence[GapPair]) -> Measurement:
    gap = largest_gap(pairs, ask.level, deff)
    if gap is None:
        return nothing(ask, f"no two groups with {LEAST_ROWS} rows each", n=max((pair.n for pair in pairs), default=0))
    method = f"{metric}, Newcombe, largest of {gap.pairs} pairs, lower bound Bonferroni"
    return number(ask, gap.value, gap.lo, gap.hi, gap.n, method)
