"""What an attack showed, as a result: rows flipped at a cost, with bounds, the price of a flip, five record diffs.

In: what the attacks found, and what the model is worth. Out: a `CaseResult`, and measurements of feasible_flip_rate.
Robustness is claimed neither for a model that is worth nothing nor on attacks that random changes beat; what such a
run did flip may still fail the case.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Bools
from shipworthy.evaluate.attacks.ensemble import Found
from shipworthy.evaluate.attacks.price import L2, Price
from shipworthy.evaluate.attacks.useful import Useful
from shipworthy.evaluate.bench import Ask
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.oracle import judge_rate
from shipworthy.facts import Case, CaseResult, Example, Measurement

INDICATOR = "feasible_flip_rate"


def reason(found: Found, useful: Useful) -> str:
    """Return why the run cannot show robustness, "" where it can."""
    return useful.useless() or found.beaten()


def result(case: Case, found: Found, useful: Useful, at_cost: float, seed: int) -> CaseResult:
    """Return the case's result; a pass that proves nothing is inconclusive."""
    hit, doubt = found.cost <= at_cost, reason(found, useful)
    notes = f"; {prices(found)}; {useful.told()}"
    shown = judge_rate(case, int(hit.sum()), len(hit), seed, _bits(hit), f"{notes}; {doubt}" if doubt else notes)
    return msgspec.structs.replace(
        shown,
        status="inconclusive" if doubt and shown.status == "pass" else shown.status,
        worst=cheapest(found),
        most_queries=int(found.spent.max(initial=0)),
    )


def measurements(ask: Ask, found: Found, useful: Useful, at_cost: float, queries: int) -> tuple[Measurement, ...]:
    """Return the rate at the cost, and as parts that at any cost and that of each of several attacks."""
    n, doubt = len(found.cost), reason(found, useful)
    method = f"{' + '.join(found.parts)} at cost <= {at_cost:g}, at most {queries} queries a row; Clopper-Pearson"
    whole = nothing(ask, doubt) if doubt else rate(ask, int((found.cost <= at_cost).sum()), n, method)
    told = "valid flips at any cost; Clopper-Pearson"
    each: Mapping[str, Attack] = found.parts if len(found.parts) > 1 else {}
    return (
        whole,
        rate(ask, len(found.flipped()), n, told, part="any cost"),
        *(
            rate(
                ask,
                int((part.cost <= at_cost).sum()),
                n,
                f"{name} alone at cost <= {at_cost:g}; Clopper-Pearson",
                part=name,
            )
            for name, part in each.items()
        ),
    )


def prices(found: Found) -> str:
    """Return in words what the flips cost and how many questions they took."""
    rows, spent = found.flipped(), found.spent
    told = f"{len(rows)} valid flips at any cost, queries a row mean {spent.mean():.0f} and at most {spent.max()}"
    if not len(rows):
        return told
    space = found.target.space
    best, start = found.best[rows], found.target.start[rows]
    length = Price(L2, space.features, space.blocks, space.table).of(best, start)
    fields = (space.price.by_block(best, start) > 0).sum(axis=1)
    return (
        f"{told}, median cost {np.median(found.cost[rows]):.3g}, median L2 {np.median(length):.3g} of the ranges, "
        f"median fields changed {np.median(fields):g}"
    )


def cheapest(found: Found) -> tuple[Example, ...]:
    """Return the cheapest flips as record diffs."""
    rows = found.flipped()
    order = rows[np.argsort(found.cost[rows], kind="stable")][:MOST]
    return tuple(_diff(found, int(row)) for row in order)


def _diff(found: Found, row: int) -> Example:
    target = found.target
    after = target.space.decode(found.best[row], target.start[row], target.rows[row])
    return example(f"cost {found.cost[row]:.3g}", row, target.rows[row], after)


def _bits(hit: Bools) -> str:
    return "".join("1" if one else "0" for one in hit)
