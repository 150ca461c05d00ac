"""The reference page of indicators: the table, and how each one is bounded and when it has no number.

In: the table of indicators. Out: the text of the page. An indicator without a line here fails the page's test.
"""

# ruff: noqa: E501 - one indicator a line or two, as they are read
from __future__ import annotations

from typing import NamedTuple

from shipworthy.facts import Clause
from shipworthy.indicators import INDICATORS, Indicator


class How(NamedTuple):
    """`offline`, `online`: the formula and its bounds there; `never`: what leaves it without a number."""

    offline: str
    online: str
    never: str


_EXACT = "Clopper-Pearson; rows of one unit count as fewer"
_LIVE = "Clopper-Pearson"
_GAP = "a minute in which a shard was silent"
_LABELS = "no matured label"
_PACK = "its case did not run on all rows it was asked for"

HOW: dict[str, How] = {
    "ood_recall": How(
        f"flagged probes / probes, the smallest kind; {_EXACT}",
        "the same on hourly probes of 7 days",
        "no kind with probes",
    ),
    "ood_recall_structural": How(
        f"flagged probes / probes, the smallest kind; {_EXACT}",
        "the same on hourly probes of 7 days",
        "no kind with probes",
    ),
    "ood_repeats": How("", "alarms since the last restore; exact", _GAP),
    "ood_false_alarm": How(f"flagged rows / held-out rows; {_EXACT}", "", "no held-out rows"),
    "ood_rate": How("", f"flagged / requests; {_LIVE}", _GAP),
    "drift_excess": How(
        "worst feature: KS distance (total variation for categories) less its mean without drift; certified bounds "
        "(Massart, McDiarmid), the lower one Bonferroni over features",
        "the same from full windows against the counts of the reference, wider by what the cells hide; parts: every "
        "feature, the joint distance, each projection. Method text: KS interval, PSI (natural logarithm) and JS (bits) "
        "beyond sampling. Rows are taken as independent",
        f"{_GAP}; a segment other than `*` and `tenant=`; no request whose inputs were counted",
    ),
    "prediction_drift": How(
        "the same of the scores, held-out against calibration rows",
        "60 score bins against the calibration rows of the segment, scored when the version is loaded: they were not "
        "trained on; certified bounds",
        f"{_GAP}; no calibration rows in the segment",
    ),
    "decision_ece": How(
        "sum over 15 bins of |mean score - mean label|, less what chance gives; percentile: nearest rank over blocks of "
        "300 rows. Bounds: pooled by simulation, of a percentile by order statistics; where these have no upper one "
        "(the 95th needs 59 blocks) the pooled upper bound, never below the percentile; under 20 blocks all is pooled",
        "the same over matured labels; blocks are runs of hours with 300 labels. Simulated for `decision_ece_p95_24h <= 0.05` "
        "(`python -m benchmarks calibration`): at 100 decisions an hour a calibrated model is breached on 0 of 500 days, by "
        "the raw p95 on all of them; a true error of .075 is breached on 60 % of days at 100 an hour, 62 % at 300, 98 % at "
        "1,000, and never met",
        "fewer than 300 labels; offline a row without a score",
    ),
    "label_coverage": How(
        "", f"labelled / scored decisions that have matured; {_LIVE}", f"{_GAP}; more labels than decisions"
    ),
    "estimated_error_rate": How(
        "",
        "mean over live scores of the chance to be wrong at one half that calibration rows of like scores had (1 - max p, "
        "recalibrated); Clopper-Pearson at the effective number of rows, with the recalibration's own error; scores "
        "where no calibration row lies count for and against. `estimated`: routes to people at most, never kills",
        f"{_GAP}; no labelled calibration rows in the segment; half of the scores where none of them lies",
    ),
    "error_rate": How(f"labels on the other side of score 0.5 / labels; {_EXACT}", f"the same; {_LIVE}", _LABELS),
    "auroc": How("DeLong, log-odds bounds", "DeLong over 60 score bins, shadow scores too", "one class has no label"),
    "case_pass_rate": How("passed / cases; exact", "", _PACK),
    "feasible_flip_rate": How(f"rows with a valid flip at cost <= c / rows; {_EXACT}", "", _PACK),
    "text_flip_rate": How(f"texts flipped within the budget / texts; {_EXACT}", "", _PACK),
    "auto_error_rate": How(
        f"wrong / labelled answers of the machine; {_EXACT}", f"the same over matured labels; {_LIVE}", _LABELS
    ),
    "review_rate": How(f"to a person / rows; {_EXACT}", f"to a person / requests; {_LIVE}", _GAP),
    "overturn_rate": How(
        "",
        f"answers of the review queue that changed the suggestion / answers to one; {_LIVE}",
        "nobody has answered a review that had a suggestion",
    ),
    "subgroup_gap": How(
        "largest difference of `metric` between two groups of one protected feature; Newcombe, the lower bound "
        "Bonferroni over pairs; one part per pair",
        "the same from matured labels (selection and review rate: from windows); `serious_auto_denied` has no source. "
        "Pairs under 100 rows are not judged, under 20 not shown",
        "no two groups of 100 rows; a segment other than `*` and `tenant=`; no protected feature",
    ),
    "proxy_auc": How(
        "AUC of the protected group from the score within each label; DeLong, folded, the lower bound Bonferroni",
        "",
        "one group only",
    ),
    "never_event_violations": How(
        "attempts and leaks on pack cases; exact", "attempts and leaks of all requests; exact", _GAP
    ),
    "never_event_unknown": How(f"unknown / checked; {_EXACT}", f"unknown / requests; {_LIVE}", _GAP),
    "membership_tpr": How("true positive rate at 1 % false ones; Clopper-Pearson", "", _PACK),
    "attack_success_rate": How(f"attacks that got what they wanted / attacks; {_EXACT}", "", _PACK),
    "over_refusal_rate": How(f"harmless twins refused / harmless twins; {_EXACT}", "", _PACK),
    "memorised_rate": How(f"trained values completed / begun; {_EXACT}", "", _PACK),
    "extraction_fidelity": How(f"agreement of the clone; {_EXACT}", "", _PACK),
    "backdoor_findings": How("findings, after a planted one was found; exact", "", "the planted one was not found"),
    "artefact_findings": How("findings, after a planted one was found; exact", "", "the planted one was not found"),
    "rebuild_match": How("1 = same bits; exact", "", "no rebuild"),
    "contract_strength": How("stopped / mutants; exact", "", "no run of `strength`"),
    "request_error_rate": How("", f"failed / requests; {_LIVE}", _GAP),
    "latency_ms": How(
        "",
        "nearest rank of the time to the answer, the upper edge of its bin (eight an octave); order statistics, then bin "
        "edges outward; from 3.84 s on only a lower bound. Requests are taken as independent",
        f"{_GAP}; a segment other than `*` and `tenant=`",
    ),
    "abuse_rate": How("", f"abuse events / requests; {_LIVE}", "no abuse log"),
    "kill_time_ms": How("", "p99 of the last drill; exact", "no drill"),
    "drill_age_d": How("", "days since the last drill; exact", "no drill"),
}


def indicators_page(made: str) -> str:
    """Return the page of indicators, by clause. Raises KeyError for one that is not told above."""
    parts = [
        "# Indicators\n",
        made,
        "An SLO is named `<indicator>[_p<1-99>][_<int>(m|h|d)]`, such as `decision_ece_p95_24h`; or it has any name",
        "and an `indicator:`. It is judged only where its indicator has a source: *offline* at the gate, *online* at",
        "the canary and at run time. *Labels*: it waits for late labels. *Paired*: releases are compared row by row.",
        "*Estimated*: it guesses what labels will say, and routes to people at most.\n",
        "Bounds are one-sided, each at the SLO's `level`. Fewer samples than n, evidence older than five minutes and a",
        "number that is missing are `no_data`, never green. What labels say is *provisional* while fewer than 80 % of",
        "the matured decisions have one: it is judged, its method says so, and no bound accounts for which are missing.",
        "On several tenants or values of a key an SLO is measured on the sum of their windows.\n",
    ]
    for clause in Clause:
        rows = [one for one in INDICATORS.values() if one.clause is clause]
        parts += [f"## {clause.value.replace('_', ' ')}\n", "| indicator | kind | good | judged | n | counts |"]
        parts += ["|---|---|---|---|---|---|", *(_row(one) for one in rows), ""]
        parts += [line for one in rows for line in _told(one)]
    return "\n".join(parts).rstrip() + "\n"


def _row(one: Indicator) -> str:
    where = [name for name in ("offline", "online", "labels", "paired", "estimated") if getattr(one, name)]
    cells = (f"`{one.name}`", one.kind, one.good, ", ".join(where), f"{one.min_samples:,}", one.formula)
    return f"| {' | '.join(cells)} |"


def _told(one: Indicator) -> list[str]:
    how = HOW[one.name]
    lines = [f"- *{place}*: {text}." for place, text in (("offline", how.offline), ("online", how.online)) if text]
    return [f"### `{one.name}`\n", *lines, f"- *no number*: {how.never}.", ""]
