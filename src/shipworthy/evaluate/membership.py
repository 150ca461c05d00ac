"""Can an answer tell whether a row was trained on.

In: training rows (members) and held-out rows (not members), labels known. Out: membership_tpr, the share of members
found at 1 % false alarms, by the plainest attack there is: the model is surer of the true label of rows it has seen
(confidence gap; Yeom et al., CSF 2018; reported at a low false-positive rate as Carlini et al., S&P 2022, ask for).
A model that does not memorise gives about .01. A stronger attacker may find more: this is a floor, not a proof.
"""

from __future__ import annotations

import math

from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters, sampled
from shipworthy.facts import Case
from shipworthy.profile.rows import Row


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement. Fewer non-members than one false alarm needs make it inconclusive."""
    given = parameters(case)
    ask = Ask(indicator="membership_tpr", segment=case.segment, level=case.oracle.level)
    members = case_rows(bench, case, given["train"] or bench.train, "true", None, seed)
    others = case_rows(bench, case, given["held_out"] or bench.held_out, "true", None, seed + 1)
    inside = _confidence(bench, sampled(members, given["sample"], seed))
    outside = _confidence(bench, others)
    allowed = math.floor(given["false_positive_rate"] * len(outside))
    if not inside or allowed < 1:
        why = f"{len(outside)} rows not trained on are too few for {given['false_positive_rate']:g} false alarms"
        return CaseShown(
            result=judge_number(case, None, None, None, 0, seed, f"; {why}"), measurements=(nothing(ask, why),)
        )
    threshold = sorted(outside, reverse=True)[allowed]
    # Strictly above the next one: then at most `allowed` rows that were not trained on are taken for members.
    hits = sum(one > threshold for one in inside)
    method = f"confidence gap at {given['false_positive_rate']:g} false alarms; Clopper-Pearson"
    shown = judge_rate(case, hits, len(inside), seed)
    return CaseShown(result=shown, measurements=(rate(ask, hits, len(inside), method),))


def _confidence(bench: Bench, rows: list[Row]) -> list[float]:
    """How sure the model is of the truth, row by row; rows without label or score tell nothing."""
    return [
        one.score if one.label == 1 else 1.0 - one.score
        for one in answer(bench, rows)
        if one.label is not None and one.score is not None
    ]
