"""Would any answer to a held-out row be a never event.

In: the policy's never events and held-out rows with answers. Out: never_event_violations (a count: zero is judged as
zero) and never_event_unknown (how often an event could not be told). The same expressions guard every answer at run
time; here they run before anybody is served. A policy without never events leaves nothing to count: no value.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.evaluate.answered import OOD_NAMES, Answered, answer, selected
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.columns import tell_answered
from shipworthy.evaluate.measure import count, nothing, rate
from shipworthy.expr import compile_expr
from shipworthy.facts import Measurement, NeverEvent

INDICATORS = ("never_event_violations", "never_event_unknown")


def evaluate(
    bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered], events: Sequence[NeverEvent]
) -> tuple[Measurement, ...]:
    """Return both measurements per ask, one part per event. Raises ExprError on an expression that cannot be read."""
    wanted = [ask for ask in asks if ask.indicator in INDICATORS]
    asked = {ask.indicator for ask in wanted if ask.segment == "*"}
    wanted += [Ask(indicator=name) for name in INDICATORS if events and name not in asked]
    seen = _with_ood(bench, answered, events) if wanted else answered
    return tuple(one for ask in wanted for one in _measured(ask, selected(bench, seen, ask.segment), events))


def _with_ood(bench: Bench, answered: Sequence[Answered], events: Sequence[NeverEvent]) -> Sequence[Answered]:
    names = {name for event in events for name in compile_expr(event.never).names}
    return answer(bench, [one.row for one in answered], with_ood=True) if names & OOD_NAMES else answered


def _measured(ask: Ask, answered: Sequence[Answered], events: Sequence[NeverEvent]) -> list[Measurement]:
    if not events:
        return [nothing(ask, "the policy names no never event")]
    told = {event.name: tell_answered(compile_expr(event.never), answered) for event in events}
    parts = [_one(ask, outcomes, name) for name, outcomes in told.items()]
    return [_one(ask, [outcome for outcomes in told.values() for outcome in outcomes], None), *parts]


def _one(ask: Ask, outcomes: list[bool | None], part: str | None) -> Measurement:
    if ask.indicator == "never_event_unknown":
        return rate(ask, sum(outcome is None for outcome in outcomes), len(outcomes), part=part)
    hits = sum(outcome is True for outcome in outcomes)
    return count(ask, hits, len(outcomes), f"answers checked: {len(outcomes)}", part)
