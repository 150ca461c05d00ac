"""The policy for a log without a contract: what a first look asks, of each period alone. Nobody decided on it."""

from __future__ import annotations

from collections.abc import Collection

from shipworthy.facts import Action, Policy, Slo, Target
from shipworthy.indicators import INDICATORS

_ASKED = (
    ("drift_excess", 0.1, frozenset[str]()),
    ("prediction_drift", 0.1, frozenset({"score", "scores"})),
    ("ood_rate", 0.05, frozenset({"ood"})),
    ("decision_ece", 0.05, frozenset({"score", "label"})),
)


def starter(has: Collection[str]) -> Policy:
    """Return the SLOs that can be told by what there is: `score`, `label`, `ood`, and `scores` of the reference."""
    return Policy(slos=tuple(_slo(name, most) for name, most, needs in _ASKED if needs <= set(has)))


def _slo(name: str, most: float) -> Slo:
    row = INDICATORS[name]
    return Slo(
        name=name,
        indicator=name,
        objective="A first look.",
        target=Target(op="<=", value=most),
        window="1m",  # shorter than any period, so that each is judged by itself
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=row.clause,
        min_samples=row.min_samples,
    )
