"""Is what the model is trained on what people need: who is flagged, against who is in need, group by group.

In: rows with answers, and measures of need that the model does not take (`needs: {column: high|low}`). Out: the metric
that the oracle names (`need.need_pairs`), of the worst pair of groups over all measures, with bounds. A score can be
accurate and calibrated for its target and still miss one group's sick, when the target (cost, visits, complaints) is
worth less in that group: Obermeyer et al., Science 366 (2019) 447-453.

When it does not pass, mitigations and their price stand among the examples (`mitigation`): recommendations, never
applied. Not seen: need that the measure itself misses. Diagnoses count who was examined, not who is ill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.by_group import LEAST_ROWS, Split, splits
from shipworthy.evaluate.cross_fit import folds_of
from shipworthy.evaluate.encoded import Encoding, Floats
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.group_gaps import judged
from shipworthy.evaluate.measure import clustering, units_of
from shipworthy.evaluate.mitigation import Audited, options, price
from shipworthy.evaluate.need import Ints, Need, need_of, need_pairs, top
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.worst_pair import Pair, worst
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Example, seed_of
from shipworthy.profile.rows import as_number
from shipworthy.stats.auc import auroc
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.group_rates import Flags, counts_of

TOO_COARSE = 2.0


@dataclass(frozen=True)
class Audit:
    """All that one audit looks at."""

    bench: Bench
    rows: list[Answered]
    scores: Floats
    flagged: Flags
    given: dict[str, Any]
    metric: str
    seed: int

    def pairs(self, split: Split, need: Need, flagged: Flags, scores: Floats) -> list[Pair]:
        """Return the pairs by the metric, for those flags and scores."""
        strata = max(2, self.given["strata"])
        found = need_pairs(self.metric, self.bench, self.rows, split, need, flagged, scores, strata)
        return [replace(pair, split=_looked_at(split, need)) for pair in found]


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError on needs that are features, columns nobody has and wrong directions."""
    given = parameters(case)
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    seen = list(answer(bench, rows))
    made = splits(bench, rows, given["by"])
    needs = _needs(bench, seen, given)
    flagged = _flagged(seen, given, seed)
    why = _unfit(seen, made, needs, flagged, given["need_share"])
    if why or flagged is None:
        return CaseShown(result=judge_number(case, None, None, None, len(seen), seed, f"; {why}"))
    scores = np.array([one.score for one in seen], dtype=np.float64)
    audit = Audit(bench, seen, scores, flagged, given, str(case.oracle.metric), seed)
    by_name = {
        f"{pair.split}: {pair.name}": (pair, split, need)
        for split in made
        for need in needs
        for pair in audit.pairs(split, need, flagged, scores)
    }
    wanted = [_looked_at(split, need) for split in made for need in needs]
    shown = judged(case, [pair for pair, _, _ in by_name.values()], wanted, audit.metric, seed)
    found = worst([pair for pair, _, _ in by_name.values()], case.oracle.level)
    if found is None:
        return shown
    _, split, need = by_name[f"{found.pair.split}: {found.pair.name}"]
    return CaseShown(result=_told(shown.result, audit, split, need), measurements=shown.measurements)


def _needs(bench: Bench, seen: Sequence[Answered], given: dict[str, Any]) -> list[Need]:
    if not isinstance(given["needs"], dict):
        raise ContractError("needs is no mapping", "needs", "write `needs: {<column>: high}`, or low")
    for column in given["needs"]:
        if bench.feature(column) is not None or column == bench.label:
            raise ContractError(
                f"needs: {column!r} is what the model takes or is trained on", "needs", "name another measure"
            )
    return [need_of(str(name), str(end), seen, given["need_share"]) for name, end in given["needs"].items()]


def _looked_at(split: Split, need: Need) -> str:
    return f"{split.name} by {need.column}"


def _flagged(seen: Sequence[Answered], given: dict[str, Any], seed: int) -> Flags | None:
    """Return who is flagged: by the written expression, else the top share of the score; None where it is unknown."""
    if given["flagged"]:
        test = compile_expr(given["flagged"])
        told = [test(one.named()) for one in seen]
        return None if None in told else np.array(told, dtype=np.bool_)
    scores = [one.score for one in seen if one.score is not None]
    return top(np.array(scores), given["flag"], seed_of(seed, "ties")) if len(scores) == len(seen) else None


def _unfit(
    seen: Sequence[Answered], made: Sequence[Split], needs: Sequence[Need], flagged: Flags | None, share: float
) -> str:
    silent = sum(one.score is None for one in seen)
    if silent or flagged is None:
        return f"{silent} rows without a score" if silent else "who is flagged cannot be told of every row"
    if not made or not needs:
        return "no groups: no feature is protected and `by` names none" if needs else "needs: names no measure"
    for need in needs:
        if need.most.sum() < LEAST_ROWS:
            return f"{int(need.most.sum())} rows among the neediest by {need.column}, {LEAST_ROWS} needed"
        if need.most.mean() > TOO_COARSE * share:
            return f"{need.column} is too coarse: {need.most.mean():.0%} tie for the neediest {share:.0%}"
    if not flagged.any() or flagged.all():
        return "nobody is flagged" if not flagged.any() else "everybody is flagged"
    return ""


def _told(result: CaseResult, audit: Audit, split: Split, need: Need) -> CaseResult:
    """The groups of the worst pair's split in words; where it is no pass, what would mend it."""
    left_out = len(audit.rows) - need.known.size
    told = f"{result.because}; {_groups(audit, split, need)}; AUROC of the score for the need "
    told += f"{auroc(audit.scores[need.known], need.most):.3f}"
    told += f"; {left_out} rows without {need.column} left out" if left_out else ""
    if result.status == "pass":
        return msgspec.structs.replace(result, because=told)
    lines = mitigations(audit, split, need)
    why = "; what would mend it, cross-fitted, is among the examples" if lines else "; too few labels to price a remedy"
    return msgspec.structs.replace(result, because=told + why, worst=lines or result.worst)


def mitigations(audit: Audit, split: Split, need: Need) -> tuple[Example, ...]:
    """Return a line an option: the gap it leaves, with bounds, and what it costs. Empty without labels to fit on."""
    labelled = np.array([audit.rows[at].label is not None for at in need.known], dtype=np.bool_)
    at = need.known[labelled]
    kept = [audit.rows[place] for place in at]
    units = units_of(audit.bench, kept)
    if (len(kept) if units is None else len(set(units))) < audit.given["folds"]:
        return ()
    inside = Need(need.column, np.arange(at.size), need.amount[labelled], need.most[labelled])
    own = Split(split.name, [split.of[place] for place in at])
    audited = _audited(audit, kept, at, inside, own, units)
    smaller = Audit(audit.bench, kept, audited.scores, audited.flagged, audit.given, audit.metric, audit.seed)
    lines = []
    for one in options(audited):
        found = worst(smaller.pairs(own, inside, one.flagged, one.scores), 0.95)
        gap = "not judged" if found is None else f"{found.value:.3f} [{found.lo:.3f}, {found.hi:.3f}]"
        lines.append(Example(told=f"{one.name}: {audit.metric} {gap}; {price(audited, one)}"))
    return tuple(lines[:MOST])


def _audited(
    audit: Audit, kept: list[Answered], at: Ints, need: Need, split: Split, units: list[str] | None
) -> Audited:
    rows = [one.row for one in kept]
    encoding = Encoding(audit.bench.features, rows)
    cost = audit.given["cost"]
    return Audited(
        scores=audit.scores[at],
        flagged=audit.flagged[at],
        labels=np.array([one.label for one in kept], dtype=np.float64),
        needy=need.most,
        groups=np.array(split.of),
        cost=np.array([_cell(row.get(cost)) if cost else np.nan for row in rows], dtype=np.float64),
        table=encoding.matrix(rows),
        categories=encoding.categories,
        folds=folds_of(units, len(rows), audit.given["folds"], seed_of(audit.seed, "folds")),
        seed=seed_of(audit.seed, "ties"),
    )


def _groups(audit: Audit, split: Split, need: Need) -> str:
    groups = [split.of[at] for at in need.known]
    flags, all_rows = audit.flagged[need.known], np.ones(need.known.size, dtype=np.bool_)
    flagged, needy = counts_of(flags, all_rows, groups), counts_of(need.most, all_rows, groups)
    recall = counts_of(flags, need.most, groups)
    kept = [audit.rows[at] for at in need.known[need.most].tolist()]
    deff = clustering(audit.bench, kept, flags[need.most].tolist())
    return "; ".join(
        f"{split.name}={name}: {n} rows, flagged {hits / n:.3f}, neediest by {need.column} {needy[name][0] / n:.3f}, "
        f"of these flagged {_rate(recall.get(name), deff)}"
        for name, (hits, n) in flagged.items()
    )


def _rate(counts: tuple[int, int] | None, deff: float) -> str:
    if counts is None:
        return "none to flag"
    lo, hi = rate_bounds(*counts, design_effect=deff)
    return f"{counts[0] / counts[1]:.3f} [{lo:.3f}, {hi:.3f}]"


def _cell(value: Any) -> float:  # noqa: ANN401
    number = as_number(value)
    return np.nan if number is None else number
