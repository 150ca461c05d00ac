"""The strength of a contract counts what was stopped of what could be made, and is judged like any other number."""

from __future__ import annotations

import msgspec
import pytest

from shipworthy.facts import Action, Clause, Measurement, Outcome, Policy, Slo, Subject, Target
from shipworthy.gate.recompute import mismatches
from shipworthy.gate.strength import Counted, Strength, Tried, Where, contract_strength, counts, verdict_on

D = "sha256:" + "0" * 64
SUBJECT = Subject(model="m", version="1", artefact=D, change=D, policy=D, pack=D, data=D, profile=D)
GATE: Where = "gate"
CLAUSES = ("robustness", "monitoring", "alignment", "systemic_safety")


def tried(at: int, stopped: Where, healthy: bool = False) -> Tried:
    clause = "" if healthy else CLAUSES[at % 4]
    return Tried(id=f"m.{at}", clause=clause, does="something", healthy=healthy, stopped=stopped)


def record(*mutants: Where, healthy: tuple[Where, ...] = ("nowhere",) * 5, whole: bool = True) -> Strength:
    """Return a record of mutants, one clause after the other, and of healthy variants."""
    rows = [tried(at, stopped) for at, stopped in enumerate(mutants)]
    rows += [tried(100 + at, stopped, True) for at, stopped in enumerate(healthy)]
    return Strength(subject=SUBJECT, tried=tuple(rows), whole=whole, tool_version="0")


def policy(target: Target) -> Policy:
    slo = Slo(
        name="contract_strength", indicator="contract_strength", objective="o", target=target, window="rolling",
        action_on_breach=Action.KILL_SWITCH, clause=Clause.SYSTEMIC_SAFETY, min_samples=20,
    )  # fmt: skip
    return Policy(slos=(slo,))


def test_what_gate_or_runtime_stopped_counts_and_what_was_not_made_does_not() -> None:
    seen = contract_strength(record("gate", "runtime", "nowhere", "not made"))
    assert (seen.hits, seen.n, seen.value, seen.lo, seen.hi) == (2, 3, 2 / 3, 2 / 3, 2 / 3)
    assert mismatches([seen]) == ()


def test_counts_go_by_clause_and_end_with_the_whole() -> None:
    mutants: tuple[Where, ...] = ("gate", "runtime", "nowhere", "gate", "nowhere")
    assert counts(record(*mutants)) == (
        Counted(clause="robustness", stopped=1, mutants=2),
        Counted(clause="monitoring", stopped=1, mutants=1),
        Counted(clause="alignment", stopped=0, mutants=1),
        Counted(clause="systemic_safety", stopped=1, mutants=1),
        Counted(clause="*", stopped=3, mutants=5),
    )
    assert counts(record("gate")) == (
        Counted(clause="robustness", stopped=1, mutants=1),
        Counted(clause="*", stopped=1, mutants=1),
    )


def test_a_survivor_lowers_it_and_nothing_else_does() -> None:
    whole = contract_strength(record(*[GATE] * 20, healthy=("gate",) * 5))
    assert whole.value == 1.0
    assert whole.method.endswith("5 of 5 healthy variants stopped too")
    assert contract_strength(record(*[GATE] * 19, "nowhere")).value == 0.95


@pytest.mark.parametrize("one", [record(), record("not made"), record(*[GATE] * 20, whole=False)])
def test_nothing_tried_or_only_some_is_no_value(one: Strength) -> None:
    assert contract_strength(one).value is None
    (judged,) = verdict_on(policy(Target(op=">=", value=0.9)), one)
    assert judged.outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("stopped", "made", "outcome"),
    [(20, 20, "met"), (18, 20, "met"), (17, 20, "breached"), (19, 19, "no_data")],
)
def test_an_slo_may_demand_it(stopped: int, made: int, outcome: str) -> None:
    through: Where = "nowhere"
    mutants = [*[GATE] * stopped, *[through] * (made - stopped)]
    (judged,) = verdict_on(policy(Target(op=">=", value=0.9)), record(*mutants))
    assert judged.outcome == outcome


def test_a_policy_that_asks_nothing_is_told_nothing() -> None:
    slo = msgspec.structs.replace(policy(Target(op=">=", value=0.9)).slos[0], indicator="rebuild_match")
    assert verdict_on(Policy(slos=(slo,)), record("gate")) == ()


def test_survivors_and_what_was_too_tight_are_told_apart() -> None:
    one = record("gate", "nowhere", "not made", healthy=("nowhere", "gate", "runtime", "not made"))
    assert [each.id for each in one.survivors] == ["m.1"]
    assert [each.id for each in one.too_tight] == ["m.101", "m.102"]
    assert len(one.healthy) == 3
    assert isinstance(contract_strength(one), Measurement)


def test_what_only_a_rule_stopped_that_stops_healthy_variants_too_is_not_stopped() -> None:
    """A build that refuses any rows but its own would otherwise stop every retrained mutant."""
    by = {"m.0": ("build",), "m.1": ("build", "case:tail"), "m.2": ("case:tail",), "m.100": ("build",)}
    made = record("gate", "gate", "gate", healthy=("gate", "nowhere"))
    tried = tuple(msgspec.structs.replace(one, by=by.get(one.id, ())) for one in made.tried)
    made = msgspec.structs.replace(made, tried=tried)
    assert (contract_strength(made).hits, contract_strength(made).n) == (2, 3)
    assert [one.id for one in made.survivors] == ["m.0"]
    assert counts(made)[-1] == Counted(clause="*", stopped=2, mutants=3)
