"""How small a change of an image flips the model's class, where images are rows of pixels.

In: pixel columns with a declared range, a norm, `eps` as a share of that range. Out: image_flip_rate = the share of
rows that the model gets right and that flip within eps, with bounds; the median distance of the flips. HopSkipJump from
real images of the other class, and a search by random patches on the scores; the nearer of the two counts. Every image
asked or reported keeps each pixel's range and type, and every other column. Judged as a case only: no indicator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks import hop_skip_jump, report, square
from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.ensemble import Found, best_of
from shipworthy.evaluate.attacks.price import L2, LINF
from shipworthy.evaluate.attacks.useful import useful
from shipworthy.evaluate.attacks.walks import Walks, to_boundary
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import parameters
from shipworthy.evaluate.rows_to_attack import donors_of, fit_to_attack, looked_at
from shipworthy.facts import Case, seed_of

_NEAREST = 32
_LINE_STEPS = 8


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for columns, a norm or an eps that are none."""
    given = parameters(case)
    norm, eps = given["norm"], given["eps"]
    if norm not in (LINF, L2):
        raise ContractError(f"no norm {norm!r}", f"case {case.id}", f"{LINF} or {L2}")
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0.0 <= eps < float("inf"):
        raise ContractError(f"eps: {eps!r} is no distance", f"case {case.id}", "a share of the declared range")
    features = pixels(bench.features, given["columns"], case.id)
    donors = donors_of(bench, given, seed)
    space = Space(features, bench.relations, donors, norm)
    answered = looked_at(bench, case, given, seed)
    right = fit_to_attack(space, answered, given["n"], seed)
    if not right or not space.numbers:
        why = "no such column is mutable" if right else "no valid row that the model gets right"
        return CaseShown(result=judge_number(case, None, None, None, 0, seed, f"; {why}"))
    target = Target(bench, space, [one.row for one in right], [one.score or 0.0 for one in right])
    found = _attacked(target, Donors(bench, space, donors), given, seed)
    return CaseShown(result=report.result(case, found, useful(bench, answered, case.oracle.level), eps, seed))


def pixels(features: Sequence[Feature], named: object, case: str) -> tuple[Feature, ...]:
    """Return the features with all but the named columns fixed. `named`: a list, or a pattern with `*` and `?`. Raises
    ContractError where none is named, or one is no number with a declared range."""
    names = {name for one in _patterns(named) for name in _matching(one, features)}
    if not names:
        raise ContractError(f"columns: {named!r} names no feature", f"case {case}", "a list, or a pattern as `pixel_*`")
    for one in features:
        if one.name in names and (one.type not in ("int", "float") or one.min is None or one.max is None or one.group):
            raise ContractError(
                f"{one.name} is no pixel", f"case {case}", "a number with `min:` and `max:`, in no group"
            )
    fixed = {"mutable": "no", "group": None}
    return tuple(
        msgspec.structs.replace(one, cost=1.0) if one.name in names else msgspec.structs.replace(one, **fixed)
        for one in features
    )


def _patterns(named: object) -> Sequence[object]:
    return named if isinstance(named, list | tuple) else (named,)


def _matching(pattern: object, features: Sequence[Feature]) -> list[str]:
    """The features that one name or pattern means; one that means none names nothing at all."""
    text = re.escape(str(pattern)).replace(r"\*", ".*").replace(r"\?", ".")
    return [one.name for one in features if re.fullmatch(text, one.name)]


def _attacked(target: Target, donors: Donors, given: Mapping[str, Any], seed: int) -> Found:
    """Half of the budget for each search; a flip by patches is drawn back towards the image."""
    half = given["max_queries"] // 2
    jumps = Attack(target, given["max_queries"] - half)
    hop_skip_jump.run(jumps, donors, np.random.default_rng(seed_of(seed, "hop_skip_jump")), _NEAREST)
    jumps.confirm()
    patches = Attack(target, half)
    square.run(patches, float(given["eps"]), np.random.default_rng(seed_of(seed, "square")))
    at = patches.found()
    walks = Walks(at, patches.best[at].copy(), patches.cost[at].copy())
    to_boundary(patches, walks, np.arange(len(at)), _LINE_STEPS)
    patches.confirm()
    return best_of(target, {"hop_skip_jump": jumps, "square": patches}, jumps.spent + patches.spent)
