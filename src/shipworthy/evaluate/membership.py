"""Can an answer tell whether a row was trained on.

In: training rows (members) and held-out rows (not members), labels known. Out: membership_tpr, the share of members
found at 1 % false alarms (a low false-positive rate, as Carlini et al., S&P 2022, ask for), by the best of a few plain
attacks (`attacks`). A model that does not memorise gives about .01.

Both sides are halved: on the first half attacks learn what they need and the best is picked; on the second half, which
none of them has seen, that one alone is judged, by an exact bound. Picking the best on the rows that are judged would
find an attack even where there is none. A stronger attacker, with shadow models, may find more: a floor, not a proof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.encoded import Floats
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.membership_attacks import Attack, attack_of
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import apart, case_rows, number_of, parameters, sampled, whole_number
from shipworthy.facts import Case, seed_of
from shipworthy.profile.rows import Row


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement. Fewer non-members than one false alarm needs make it inconclusive."""
    given = parameters(case)
    if not 0.0 < given["false_positive_rate"] <= 0.5:
        raise ContractError("false_positive_rate: a share above 0, at most 0.5", f"case {case.id}", "1 % is 0.01")
    if (given["train"] or bench.train) == (given["held_out"] or bench.held_out):
        raise ContractError(
            "train and held_out are the same rows", f"case {case.id}", "compare with rows not trained on"
        )
    ask = Ask(indicator="membership_tpr", segment=case.segment, level=case.oracle.level)
    members = case_rows(bench, case, given["train"] or bench.train, "true", None, seed)
    others = case_rows(bench, case, given["held_out"] or bench.held_out, "true", None, seed + 1)
    apart(case, members, others, "train and held_out")
    whole_number(case, given["sample"])
    first, second = _halves(_known(bench, sampled(members, given["sample"], seed)), seed_of(seed, "members"))
    strangers, judges = _halves(_known(bench, others), seed_of(seed, "strangers"))
    wanted = number_of(case, given, "false_positive_rate")
    if not 0.0 < wanted < 0.5:
        told = f"false_positive_rate: {wanted!r} is no low share of false alarms"
        raise ContractError(told, f"case {case.id}", "above 0 and below 0.5, such as 0.01")
    allowed = math.floor(wanted * len(judges))
    if not second or allowed < 1 or not given["attacks"]:
        why = f"{len(judges)} rows not trained on, half of them, are too few for {wanted:g} false alarms"
        why = why if given["attacks"] else "no attack is named"
        return CaseShown(
            result=judge_number(case, None, None, None, 0, seed, f"; {why}"), measurements=(nothing(ask, why),)
        )
    made = {name: attack_of(name, bench, strangers, wanted) for name in given["attacks"]}
    name = max(made, key=lambda one: _found(made[one], first, strangers, wanted))
    hits = _hits(made[name](second), made[name](judges), allowed)
    method = f"{name}, best of {len(made)} on the other half, at {wanted:g} false alarms; Clopper-Pearson"
    shown = judge_rate(case, hits, len(second), seed, notes=f"; {method}")
    return CaseShown(result=shown, measurements=(rate(ask, hits, len(second), method),))


def _found(attack: Attack, members: Sequence[Answered], strangers: Sequence[Answered], wanted: float) -> int:
    return _hits(attack(members), attack(strangers), max(1, math.floor(wanted * len(strangers))))


def _hits(inside: Floats, outside: Floats, allowed: int) -> int:
    """Members strictly above the next stranger: then at most `allowed` strangers are taken for members."""
    if allowed >= outside.size:
        return 0
    return int((inside > np.sort(outside)[::-1][allowed]).sum())


def _halves(rows: Sequence[Answered], seed: int) -> tuple[list[Answered], list[Answered]]:
    drawn = np.random.default_rng(seed).permutation(len(rows))
    middle = len(rows) // 2
    return [rows[at] for at in np.sort(drawn[:middle])], [rows[at] for at in np.sort(drawn[middle:])]


def _known(bench: Bench, rows: Sequence[Row]) -> list[Answered]:
    """Rows without label or score tell nothing."""
    return [one for one in answer(bench, rows) if one.label is not None and one.score is not None]
