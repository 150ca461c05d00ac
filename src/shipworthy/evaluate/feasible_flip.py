"""How cheaply can somebody change their own record so that the model's class flips.

In: held-out rows that the model gets right, donor rows with the other predicted class. Out: feasible_flip_rate = the
share of rows with a valid flip at cost <= `at_cost`, with bounds; median cost and length, fields changed, queries, the
useful accuracy, and the five cheapest record diffs. Nothing outside `feasible.Space` is ever asked or reported.
`nearest_flip` is the cheap attack alone; `feasible_flip` several, keeping the cheapest flip per row.
"""

from __future__ import annotations

from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks import report
from shipworthy.evaluate.attacks.attack import Target
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.ensemble import attack_all
from shipworthy.evaluate.attacks.price import L2, MAD_L1
from shipworthy.evaluate.attacks.useful import useful
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.measure import nothing
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import parameters
from shipworthy.evaluate.rows_to_attack import donors_of, fit_to_attack, looked_at
from shipworthy.expr import compile_expr
from shipworthy.facts import Case

_CHEAP = ("nearest_flip",)


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement feasible_flip_rate with its parts. Raises ContractError and ExprError."""
    given = parameters(case)
    cost = given.get("cost", MAD_L1)
    if cost not in (MAD_L1, L2):
        raise ContractError(f"no cost {cost!r}", f"case {case.id}", f"one of {MAD_L1}, {L2}")
    donors = donors_of(bench, given, seed)
    relations = (*bench.relations, *(compile_expr(str(text)) for text in given["relations"]))
    space = Space(bench.features, relations, donors, cost)
    ask = Ask(indicator=report.INDICATOR, segment=case.segment, level=case.oracle.level)
    answered = looked_at(bench, case, given, seed)
    right = fit_to_attack(space, answered, given["n"], seed)
    if not right or not space.blocks:
        why = "no feature is mutable" if right else "no valid row that the model gets right"
        shown = judge_number(case, None, None, None, 0, seed, f"; {why}")
        return CaseShown(result=shown, measurements=(nothing(ask, why),))
    target = Target(bench, space, [one.row for one in right], [one.score or 0.0 for one in right])
    names = tuple(given.get("attacks", _CHEAP))
    found = attack_all(target, Donors(bench, space, donors), names, given["max_queries"], seed, given["k"])
    worth = useful(bench, answered, case.oracle.level)
    return CaseShown(
        result=report.result(case, found, worth, given["at_cost"], seed),
        measurements=report.measurements(ask, found, worth, given["at_cost"], given["max_queries"]),
    )
