"""What an incident becomes in the pack: the question, how many rows it takes to answer it, and which. Pure.

In: the record, the contract, labelled rows. Out: cases with oracles that can decide, and the least rows that they need:
columns that the model takes, the label and the unit, in an order that follows from the rows alone. The rows of one unit
are never parted between what proves a fix and what may be used for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipworthy.contract.manifest import Decisions, Manifest
from shipworthy.expr import compile_expr
from shipworthy.facts import UNSEEN, Case, Digest, Incident, Oracle, Policy, digest, parse_segment
from shipworthy.stats.bounds import n_to_meet

UNFAMILIAR, NEVER, REGRESSION = "incident", "never_event", "regression"  # kinds of promoted cases
ZERO: Final = 0.05  # the rate that no hit at all must exclude
ERRORS: Final = ("error_rate", "auto_error_rate", "decision_ece", "estimated_error_rate", "auroc")
Row = dict[str, Any]
_NO_WORD = re.compile(r"[^A-Za-z0-9_.]+")


@dataclass(frozen=True, slots=True)
class Parted:
    """Rows for the case, rows that a fix may be made with, and how many are in neither."""

    proof: tuple[Row, ...]
    fix: tuple[Row, ...]
    left_out: int


def unfamiliar(incident: Incident, manifest: Manifest) -> str:
    """Return the category whose unknown values the incident is about, \"\" when it is about something else."""
    for key, values in parse_segment(incident.scope.segment).items():
        feature = manifest.feature(key)
        if values == {UNSEEN} and feature is not None and feature.type == "category":
            return key
    return ""


def question(incident: Incident, policy: Policy, words: Decisions, target: float) -> tuple[str, Oracle]:
    """Return the kind and the oracle: the never event itself, wrong answers for an SLO on errors, else harmful denials.

    `target`: the largest share of hits that the fix may have; a never event may have none.
    """
    never = next((one for one in policy.never_events if one.name == incident.slo), None)
    if never is not None:
        return NEVER, Oracle(name=_name(never.name), hits=never.never, op="==", target=0)
    slo = next((one for one in policy.slos if one.name == incident.slo), None)
    denied = f"decision == '{words.deny}'"
    if slo is not None and slo.indicator in ERRORS:
        wrong = f"({denied} and label == 1) or (decision == '{words.approve}' and label == 0)"
        return REGRESSION, Oracle(name="wrong", hits=wrong, op="<=", target=target)
    return REGRESSION, Oracle(name=f"serious_{words.deny}", hits=denied, among="label == 1", op="<=", target=target)


def needs(oracle: Oracle) -> int:
    """Return how many rows among those it asks about let a fix pass that is twice as good as it must be; of one that
    allows no hit, how many exclude a rate of 5 %. By the exact bound.

    >>> needs(Oracle(name="x", hits="label == 1", op="==", target=0))
    59
    """
    rate = 0.0 if oracle.op == "==" else oracle.target / 2
    found = n_to_meet("<=", oracle.target if oracle.op == "<=" else ZERO, rate, oracle.level)
    assert found is not None  # half of a target lies on its good side
    return found


def asks_about(oracle: Oracle, label: int) -> bool:
    """True when a row of this label may count: told from the label alone, before anything of the row is read."""
    among = compile_expr(oracle.among)
    return among.names - {"label"} != frozenset() or among({"label": label}) is True


def terms(case: Case, rows: Digest) -> Digest:
    """Return the digest of a case as it stands with its rows: whatever of it is changed, this changes."""
    return digest({"case": case, "rows": rows})


def least(rows: Iterable[Row], manifest: Manifest, keys: Iterable[str], hide: Callable[[str], str]) -> list[Row]:
    """Return the rows with only what a case needs: the model's inputs, the segment's keys, the label and the unit.

    The unit is hidden unless it is a public segment key. A tenant's name stays only as an input of the model.
    """
    features = {one.name for one in manifest.features}
    segment = {key for key in keys if key != "tenant" and key != manifest.tenant}
    wanted = features | segment | {manifest.label.column}
    public = {one.key for one in manifest.segments.keys if one.public}
    unit = manifest.unit
    kept = []
    for row in rows:
        small = {key: value for key, value in row.items() if key in wanted}
        if unit is not None and unit not in small and row.get(unit) is not None:
            small[unit] = row[unit] if unit in public else hide(str(row[unit]))
        kept.append(small)
    return kept


def parted(rows: Sequence[Row], oracle: Oracle, label: str, unit: str | None, salt: str) -> Parted:
    """Part rows into as few as the oracle needs to decide and the rest for a fix; what it asks nothing of is left out.

    Deterministic: units go in the order of a digest of `salt` and their rows, so no one chooses which rows prove.
    """
    asked = [row for row in rows if asks_about(oracle, row[label])]
    groups: dict[str, list[Row]] = {}
    for row in asked:
        groups.setdefault(digest({"unit": row[unit]} if unit and unit in row else {"row": row}), []).append(row)
    proof: list[Row] = []
    fix: list[Row] = []
    wanted = needs(oracle)
    for name in sorted(groups, key=lambda one: digest({"salt": salt, "group": one})):
        (proof if len(proof) < wanted else fix).extend(sorted(groups[name], key=digest))
    return Parted(tuple(proof), tuple(fix), len(rows) - len(asked))


def _name(text: str) -> str:
    return _NO_WORD.sub("_", text)
