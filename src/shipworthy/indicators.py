"""The table of indicators (DECISIONS §3): every name an SLO may use, its clause, kind, direction, places and least n.

In: an SLO name such as `decision_ece_p95_24h`. Out: indicator, percentile and window. An unknown name is the caller's
error to report with the list of known ones.
"""

from __future__ import annotations

import re

from shipworthy.facts import Clause, Fact

_SUFFIX = re.compile(
    r"^(?P<base>[a-z][a-z0-9]*(?:_[a-z0-9]+)*?)(?:_p(?P<q>[1-9][0-9]?))?(?:_(?P<window>[1-9][0-9]*[mhd]))?$"
)
WINDOW = re.compile(r"^([1-9][0-9]*)([mhd])$")
LONGEST = 100 * 31_557_600  # seconds of a hundred years: what is longer fits no calendar
_MOST_DIGITS = 10
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class Indicator(Fact, frozen=True, kw_only=True):
    """One row of the table.

    `kind`: `rate`, `interval`, `count`, `enumerated` or `quantile`. `good`: `up` or `down`. `offline` and `online` say
    where it has a source; `labels` that it needs late labels; `paired` that a candidate and its baseline are measured
    on the same rows whatever they answer, so that they can be compared; `estimated` that it guesses what labels will
    say: it may page or route to review, never more; `formula` is what is counted.
    """

    name: str
    clause: Clause
    kind: str
    good: str
    min_samples: int
    offline: bool
    online: bool
    labels: bool = False
    paired: bool = False
    estimated: bool = False
    formula: str = ""


_R, _M, _A, _S = Clause.ROBUSTNESS, Clause.MONITORING, Clause.ALIGNMENT, Clause.SYSTEMIC_SAFETY


def _row(
    name: str, clause: Clause, kind: str, good: str, n: int, where: str, formula: str, paired: bool = False
) -> Indicator:
    return Indicator(
        name=name,
        clause=clause,
        kind=kind,
        good=good,
        min_samples=n,
        offline="off" in where,
        online="on" in where,
        labels="labels" in where,
        paired=paired,
        estimated="estimated" in where,
        formula=formula,
    )


_ROWS = (
    _row("ood_recall", _M, "rate", "up", 60, "off on", "min over unit, sentinel, null, unseen of flagged/probes"),
    _row("ood_recall_structural", _M, "rate", "up", 60, "off on", "same for swap, shuffle, hidden cohort, incidents"),
    _row("ood_repeats", _M, "count", "down", 1, "on", "alarms of the per-segment e-process over OOD flags"),
    _row("ood_false_alarm", _M, "rate", "down", 300, "off", "flagged/n on rows like the reference"),
    _row("ood_rate", _M, "rate", "down", 100, "on", "flagged/requests"),
    _row("drift_excess", _M, "interval", "down", 500, "off on", "worst feature: KS minus sampling"),
    _row("prediction_drift", _M, "interval", "down", 500, "off on", "score: KS minus sampling"),
    _row("decision_ece", _M, "interval", "down", 300, "off on labels", "15 equal-width bins, null-corrected", True),
    _row("label_coverage", _M, "rate", "up", 50, "on labels", "labelled/expected, matured"),
    _row("estimated_error_rate", _M, "interval", "down", 300, "on estimated", "recalibrated mean of 1 - max p"),
    _row("error_rate", _R, "rate", "down", 300, "off on labels", "wrong at score 0.5 / labelled", True),
    _row("auroc", _R, "interval", "up", 300, "off on labels", "area under the ROC curve", True),
    _row("case_pass_rate", _R, "enumerated", "up", 1, "off", "passed/cases by kind"),
    _row("feasible_flip_rate", _R, "rate", "down", 100, "off", "valid flips at cost <= c / rows"),
    _row("text_flip_rate", _R, "rate", "down", 100, "off", "texts flipped within the query budget / texts"),
    _row("auto_error_rate", _A, "rate", "down", 200, "off on labels", "wrong / labelled machine answers"),
    _row("review_rate", _A, "rate", "down", 100, "off on", "to a person / requests"),
    _row("overturn_rate", _A, "rate", "down", 50, "on labels", "changed / reviewed"),
    _row("subgroup_gap", _A, "interval", "down", 100, "off on labels", "max over groups of the gap of `metric`", True),
    _row("proxy_auc", _A, "interval", "down", 300, "off", "AUC of the protected group from the score, given the label"),
    _row("never_event_violations", _A, "count", "down", 1, "off on", "attempts + leaks"),
    _row("never_event_unknown", _A, "rate", "down", 100, "off on", "unknown / checked"),
    _row("membership_tpr", _S, "rate", "down", 500, "off", "TPR at 1 % FPR"),
    _row("attack_success_rate", _S, "rate", "down", 60, "off", "attacks in words that got what they wanted / attacks"),
    _row("over_refusal_rate", _A, "rate", "down", 30, "off", "harmless twins refused / harmless twins"),
    _row("memorised_rate", _S, "rate", "down", 60, "off", "trained values completed / trained values begun"),
    _row("extraction_fidelity", _S, "rate", "down", 500, "off", "agreement of the clone at its query budget"),
    _row("backdoor_findings", _S, "count", "down", 1, "off", "new cells, planted canary found first"),
    _row("artefact_findings", _S, "count", "down", 1, "off", "unsafe findings, planted canary found first"),
    _row("rebuild_match", _S, "enumerated", "up", 1, "off", "1 = same bits"),
    _row("contract_strength", _S, "enumerated", "up", 20, "off", "stopped/mutants"),
    _row("request_error_rate", _S, "rate", "down", 1000, "on", "5xx/requests"),
    _row("latency_ms", _S, "quantile", "down", 1000, "on", "time to answer"),
    _row("abuse_rate", _S, "rate", "down", 100, "on", "abusive requests/requests, refused ones included"),
    _row("kill_time_ms", _S, "count", "down", 1, "on", "last drill p99"),
    _row("drill_age_d", _S, "count", "down", 1, "on", "days since the last drill"),
)
INDICATORS: dict[str, Indicator] = {row.name: row for row in _ROWS}
SCORED_METRICS = (
    "error_rate",
    "false_negative_rate",
    "false_positive_rate",
    "selection_rate",
    "true_positive_rate",
    "accuracy",
)
"""Metrics of a subgroup gap that scores alone give, the default first; the others depend on a version's thresholds."""


def parse_name(name: str) -> tuple[str, int | None, str | None]:
    """Return (indicator, percentile, window) of an SLO name; the indicator need not be known.

    >>> parse_name("decision_ece_p95_24h")
    ('decision_ece', 95, '24h')
    >>> parse_name("never_event_violations")
    ('never_event_violations', None, None)
    """
    match = _SUFFIX.match(name)
    if match is None:
        raise ValueError(f"not an SLO name: {name!r}; use lower-case letters, digits and _")
    quantile = match["q"]
    return match["base"], int(quantile) if quantile else None, match["window"]


def window_seconds(window: str) -> int | None:
    """Return the length of a window in seconds, None for `rolling`. Raises ValueError for anything else."""
    if window == "rolling":
        return None
    match = WINDOW.fullmatch(window)
    if match is None:
        raise ValueError(f"not a window: {window!r}; use `rolling` or a whole number with m, h or d, such as 24h")
    return _seconds(match, window)


def length_seconds(text: str) -> int:
    """Return the seconds of a length of time that ends. Raises ValueError for anything else, `rolling` included.

    >>> length_seconds("36h")
    129600
    """
    match = WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"not a length of time: {text!r}; write a whole number with m, h or d")
    return _seconds(match, text)


def _seconds(match: re.Match[str], text: str) -> int:
    seconds = int(match[1]) * _SECONDS[match[2]] if len(match[1]) <= _MOST_DIGITS else LONGEST + 1
    if seconds > LONGEST:
        raise ValueError(f"longer than a hundred years: {text[:20]!r}")
    return seconds
