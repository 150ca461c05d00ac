"""Does one group bear more of the harm than another, live: subgroup_gap from the counts of groups.

In: label summaries and windows of each group of each protected feature, the metric that the SLO names. Out: the largest
difference of that metric between two groups of one feature, with one listed part per pair: the same numbers that
`evaluate` makes from the same rows (`stats.group_gaps`). Groups with fewer than 100 rows are listed and not judged;
pairs with fewer than 20 are only counted: so few people could be told apart.

Metrics of the score at one half come from score bins; review_rate and auto_error_rate from their own counts. What needs
a decision and its label together (`serious_auto_denied`) is in no window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipworthy.facts import OTHER, SCORE_BINS, LabelSummary, Measurement, WindowSummary, parse_segment
from shipworthy.indicators import SCORED_METRICS
from shipworthy.observe.measure_labels import Matured, until
from shipworthy.observe.over import Over, in_full_windows
from shipworthy.stats.group_gaps import LEAST_ROWS, GapPair, Group, gap_pairs, largest_gap

GAP = "subgroup_gap"
LEAST_SHOWN = 20
OF_WINDOWS = ("selection_rate", "review_rate")
COUNTED = (*SCORED_METRICS, "review_rate", "auto_error_rate")
_HALF = SCORE_BINS // 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted of one group: matured labels and windows of its decisions, of the asked interval only."""

    labels: Sequence[LabelSummary]
    windows: Sequence[WindowSummary]


def subgroup_gap(
    groups: Mapping[str, Seen], protected: Sequence[str], metric: str | None, asked: Matured
) -> tuple[Measurement, ...]:
    """Return the judged gap and its parts. `groups` by their text (`sex=F`)."""
    over = Over(asked.scope, asked.start, asked.as_of, level=asked.level)
    metric = metric or SCORED_METRICS[0]
    if not in_full_windows(asked.scope):
        return (over.nothing(GAP, 0, "windows do not cross groups with segments: only `*` and `tenant=`"),)
    if metric not in COUNTED:
        return (over.nothing(GAP, 0, f"{metric} is in no window; these are: {', '.join(COUNTED)}"),)
    if not protected:
        return (over.nothing(GAP, 0, "no feature is declared protected"),)
    pairs = gap_pairs(_by_feature(groups, protected, metric))
    return (_judged(pairs, metric, over, asked), *_parts(pairs, metric, over))


def hits_and_n(metric: str, seen: Seen) -> tuple[int, int]:
    """Return hits and chances of one group, by the metric's name."""
    if metric == "selection_rate":
        scores = [sum(column) for column in zip(*(one.scores for one in seen.windows), strict=True)]
        return sum(scores[_HALF:]), sum(scores)
    if metric == "review_rate":
        return sum(one.n_review for one in seen.windows), sum(one.n for one in seen.windows)
    if metric == "auto_error_rate":
        return sum(one.machine_wrong for one in seen.labels), sum(one.machine for one in seen.labels)
    all_ = [sum(sum(one.n[half]) for one in seen.labels) for half in (slice(_HALF), slice(_HALF, None))]
    ones = [sum(sum(one.positives[half]) for one in seen.labels) for half in (slice(_HALF), slice(_HALF, None))]
    missed, alarmed, right = ones[0], all_[1] - ones[1], all_[0] - ones[0] + ones[1]
    return {
        "error_rate": (missed + alarmed, sum(all_)),
        "false_negative_rate": (missed, sum(ones)),
        "false_positive_rate": (alarmed, sum(all_) - sum(ones)),
        "true_positive_rate": (ones[1], sum(ones)),
        "accuracy": (right, sum(all_)),
    }[metric]


def _by_feature(groups: Mapping[str, Seen], protected: Sequence[str], metric: str) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {name: [] for name in protected}
    for text, seen in sorted(groups.items()):
        (terms,) = parse_segment(text).items()
        feature, (value,) = terms[0], sorted(terms[1])
        if feature in found and value != OTHER:
            found[feature].append(Group(value, *hits_and_n(metric, seen)))
    return found


def _judged(pairs: Sequence[GapPair], metric: str, over: Over, asked: Matured) -> Measurement:
    gap = largest_gap(pairs, over.level)
    if gap is None:
        most = max((pair.n for pair in pairs), default=0)
        return over.nothing(GAP, most, f"no two groups with {LEAST_ROWS} rows each, {until(asked)}")
    method = f"{metric}, Newcombe, largest of {gap.pairs} pairs, lower bound Bonferroni, {until(asked)}"
    hidden = sum(pair.n < LEAST_SHOWN for pair in pairs)
    method += f"; {hidden} pairs with under {LEAST_SHOWN} rows are not shown" if hidden else ""
    return over.number(GAP, gap.n, (gap.value, gap.lo, gap.hi), method)


def _parts(pairs: Sequence[GapPair], metric: str, over: Over) -> list[Measurement]:
    thin = f"; not judged: fewer than {LEAST_ROWS} rows"
    return [
        over.number(GAP, pair.n, pair.bounds(over.level), f"{metric}, Newcombe{thin if pair.thin else ''}", pair.name)
        for pair in pairs
        if pair.n >= LEAST_SHOWN
    ]
