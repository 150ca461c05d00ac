"""How few words must somebody misspell so that the model's class flips, though people read the same.

In: held-out rows that the model gets right, whose text has a word that may change. Out: text_flip_rate = the share with
a flip that holds when asked again twice, with bounds; one part for each kind of edit (flips that use it); the median of
changed words, and the five flips with the fewest as differences of words. Nothing that breaks `keep`, the declared
length or the share of words is ever asked or reported.

What it cannot see: whole words replaced, sentences turned round, another language. A rate of zero says that these edits
found nothing within these queries, no more; and a model that always gives the same answer is never flipped, so how many
rows it gets right stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from shipworthy.contract.generators.text import ATTACKS
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters, sampled
from shipworthy.evaluate.text.attack import CONFIRM, Limits, Target, TextAttack, target_of
from shipworthy.evaluate.text.shown import text_example
from shipworthy.evaluate.text.words import Kept, pieces_of
from shipworthy.facts import Case, Example, seed_of
from shipworthy.facts.texts import TEXT, as_text

INDICATOR = "text_flip_rate"


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement text_flip_rate with its parts. Raises ContractError and ExprError."""
    given = parameters(case)
    ask = Ask(indicator=INDICATOR, segment=case.segment, level=case.oracle.level)
    feature = text_feature(case, bench, given["field"])
    limits = _limits(case, feature, given)
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], None, seed)
    seen = _asked(bench, rows, given["n"], seed)
    right = [one for one in seen if one.score is not None and (one.score >= 0.5) == (one.label == 1)]
    made = [_target(one, limits, given["most_changed"]) for one in right]
    targets = [one for one in made if one is not None][: given["n"]]
    told = f"right on {len(right)} of {len(seen)} rows asked, {made.count(None)} of them without a free word"
    why = "" if targets else f"nothing to attack: {told}"
    if feature.mutable == "no":
        why = f"{feature.name} is not mutable: nobody can change it"
    if why:
        result = judge_number(case, None, None, None, 0, seed, f"; {why}")
        return CaseShown(result=result, measurements=(nothing(ask, why),))
    attack = TextAttack(bench, targets, limits, seed_of(seed, "edits"))
    attack.run()
    return _shown(case, ask, attack, told, seed)


def text_feature(case: Case, bench: Bench, name: str) -> Feature:
    """Return the text feature that is named, else the only one. Raises ContractError."""
    texts = [one for one in bench.features if one.type == TEXT and name in ("", one.name)]
    if len(texts) != 1:
        told = f"no text feature {name!r}" if name else f"{len(texts)} text features"
        raise ContractError(told, f"case {case.id}", "write `field:`, a feature of `type: text`")
    return texts[0]


def _limits(case: Case, feature: Feature, given: Mapping[str, Any]) -> Limits:
    where = f"case {case.id}"
    kinds = tuple(str(one) for one in given["attacks"])
    unknown = [one for one in kinds if one not in ATTACKS]
    if unknown or not kinds:
        told = f"no attack {unknown[0]!r}" if unknown else "no attacks"
        raise ContractError(told, where, f"attacks: any of {', '.join(ATTACKS)}")
    if not 0.0 < given["most_changed"] <= 1.0 or given["max_queries"] <= CONFIRM or given["n"] < 1:
        raise ContractError(
            "most_changed, max_queries or n out of range", where, f"(0, 1], more than {CONFIRM}, 1 or more"
        )
    return Limits(
        field=feature.name,
        kinds=kinds,
        kept=Kept(given["keep"], where),
        longest=float("inf") if feature.max is None else feature.max,
        queries=given["max_queries"],
    )


def _asked(bench: Bench, rows: Sequence[Any], n: int, seed: int) -> list[Answered]:
    """At most `2 n` rows drawn by the seed, answered, that have a label: some of them the model gets wrong."""
    drawn = sampled(rows, 2 * n, seed)
    return [one for one in answer(bench, drawn) if one.label is not None]


def _target(one: Answered, limits: Limits, most_changed: float) -> Target | None:
    text = as_text(one.row.get(limits.field))
    if text is None or one.score is None:
        return None
    pieces = pieces_of(text, limits.kept)
    return target_of(one.row, pieces, one.score, most_changed) if pieces.free else None


def _shown(case: Case, ask: Ask, attack: TextAttack, told: str, seed: int) -> CaseShown:
    targets, n = attack.targets, len(attack.targets)
    found = [place for place, one in enumerate(targets) if one.flipped]
    bits = "".join("1" if one.flipped else "0" for one in targets)
    result = judge_rate(case, len(found), n, seed, bits, f"; {told}{_notes(attack, found)}")
    fewest = sorted(found, key=lambda place: (len(targets[place].edits), place))[:MOST]
    method = f"greedy edits of words, at most {attack.limits.queries} queries a row; Clopper-Pearson"
    result = msgspec.structs.replace(
        result,
        worst=tuple(_diff(attack, place) for place in fewest),
        most_queries=max(one.spent for one in targets),
    )
    return CaseShown(
        result=result,
        measurements=(
            rate(ask, len(found), n, method),
            *(
                rate(ask, sum(_uses(targets[place], kind) for place in found), n, "flips that use it", part=kind)
                for kind in attack.limits.kinds
            ),
        ),
    )


def _notes(attack: TextAttack, found: Sequence[int]) -> str:
    mean = np.mean([one.spent for one in attack.targets])
    told = f"; mean queries a row {mean:.0f}"
    if not found:
        return told
    words = [len(attack.targets[place].edits) for place in found]
    return f"{told}, median words changed {np.median(words):g}"


def _uses(target: Target, kind: str) -> bool:
    return any(edit.kind == kind for edit in target.edits.values())


def _diff(attack: TextAttack, place: int) -> Example:
    one = attack.targets[place]
    words = [(one.pieces.parts[at], one.edits[at].word) for at in sorted(one.edits)]
    kinds = ", ".join(dict.fromkeys(one.edits[at].kind for at in sorted(one.edits)))
    return text_example(f"{len(words)} of {len(one.pieces.words)} words ({kinds})", place, one.row,
                        attack.limits.field, words)  # fmt: skip
