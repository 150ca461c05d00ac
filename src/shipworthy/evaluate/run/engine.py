"""One evaluation on this machine, without network: in this process, or in several that each hold a model of their own.

In: a bench, or a way to open one, the policy and the cases. Out: the same `Shown`, byte for byte, from every engine:
rows that several pieces ask about are answered once, in one order, before the first piece runs, and nothing else is
shared. What is finished is kept as it comes, so that an interrupted evaluation goes on where it stood.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from shipworthy.contract.generators import SHAPES
from shipworthy.errors import PolicySaysNo, ShipworthyError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.metered import Key, Known, Limit, Noisy, asked, check_same, key_of
from shipworthy.evaluate.pack import Shown, assemble, skipped
from shipworthy.evaluate.run.kept import Kept, NothingKept
from shipworthy.evaluate.run.threads import one_thread
from shipworthy.evaluate.units import HELD_OUT, Around, CaseRan, Held, run_guarded, run_held_out, strange, whole
from shipworthy.facts import Budget, Case, Policy, Subject, seed_of
from shipworthy.models.offline import no_network
from shipworthy.profile.rows import Value

REPEATED_ROWS = 200
MOST_KNOWN = 500_000

Ran = Held | CaseRan
Opened = Callable[[], AbstractContextManager[tuple[Bench, Limit | None]]]
"""Opens a bench of its own, with the clock that bounds its model. It travels to other processes: a plain function with
plain arguments."""


@dataclass(frozen=True)
class Step:
    """How far an evaluation is: what was finished last, how many of how many, and the seconds likely left."""

    name: str
    done: int
    of: int
    left_s: float | None


Progress = Callable[[Step], None]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a worker needs beside the bench that it opens itself."""

    subject: Subject
    accepted: frozenset[str]
    policy: Policy
    cases: tuple[Case, ...]
    known: Known
    problem: str | None
    budget: Budget
    until: float | None  # the wall clock (seconds since the epoch) at which the pack's seconds are spent


Results = Callable[[Given, Sequence[int]], Iterator[tuple[int, Ran, float]]]
"""Runs pieces (-1 = the held-out rows, else a case by its place) in any order: place, what it showed, seconds."""


@dataclass(kw_only=True)
class Timed:
    """What an evaluation took: wall seconds by piece."""

    seconds: dict[str, float] = field(default_factory=dict)


def evaluate_local(
    bench: Bench,
    policy: Policy,
    cases: Sequence[Case],
    budget: Budget | None = None,
    progress: Progress = lambda step: None,
    limit: Limit | None = None,
    kept: Kept | None = None,
    timed: Timed | None = None,
) -> Shown:
    """Run the evaluation in this process. Raises NetworkRefused when the model or a case reaches for another machine;
    a model that fails any other way is told of in what it could not show."""

    def results(given: Given, places: Sequence[int]) -> Iterator[tuple[int, Ran, float]]:
        for place in places:
            began = time.monotonic()
            yield place, run_piece(bench, limit, given, place), time.monotonic() - began

    with no_network(), one_thread():
        return drive(bench, policy, cases, results, budget or Budget(), progress, kept, timed)


def drive(
    bench: Bench,
    policy: Policy,
    cases: Sequence[Case],
    results: Results,
    budget: Budget,
    progress: Progress = lambda step: None,
    kept: Kept | None = None,
    timed: Timed | None = None,
) -> Shown:
    """Run every piece that is not kept yet through `results` and put the whole together."""
    kept = kept or NothingKept()
    ran: dict[int, Ran] = {
        place: one
        for place in range(-1, len(cases))
        if (one := kept.read(place)) is not None and (place < 0 or _is_of(cases[place], one, bench.seed))
    }
    missing = [place for place in range(-1, len(cases)) if place not in ran]
    began = time.monotonic()
    until = None if budget.seconds is None else time.time() + budget.seconds
    if missing:
        known, problem = known_answers(bench, cases)
        given = Given(
            subject=bench.subject,
            accepted=bench.accepted,
            policy=policy,
            cases=tuple(cases),
            known=known,
            problem=problem,
            budget=budget,
            until=until,
        )
        for done, (place, one, seconds) in enumerate(results(given, missing), start=1):
            ran[place] = one
            if whole(one):
                kept.write(place, one)
            name = HELD_OUT if place < 0 else cases[place].id
            if timed is not None:
                timed.seconds[name] = round(seconds, 3)
            left = (time.monotonic() - began) / done * (len(missing) - done)
            progress(Step(name, len(ran), len(cases) + 1, left))
    held = ran[-1]
    assert isinstance(held, Held)
    found = [one for place in range(len(cases)) if isinstance(one := ran[place], CaseRan)]
    return assemble(policy, cases, held, found, bench.seed, budget)


def _is_of(case: Case, one: Ran, seed: int) -> bool:
    """Whether a kept piece is about this case."""
    return isinstance(one, CaseRan) and not strange(case, one.result, seed_of(seed, case.id))


def run_piece(bench: Bench, limit: Limit | None, given: Given, place: int) -> Ran:
    """Run one piece within what is left of the pack's seconds."""
    left = None if given.until is None else given.until - time.time()
    if place < 0:
        return run_held_out(bench, given.policy, Around(known=given.known, problem=given.problem, limit=limit))
    case = given.cases[place]
    if left is not None and left <= 0:
        return skipped(case, bench.seed, f"the budget of {given.budget.seconds:g} s was spent before")
    seconds = left if limit is not None else None
    around = Around(
        known=given.known,
        problem=given.problem,
        limit=limit,
        budget=Budget(queries=given.budget.queries, seconds=seconds),
    )
    return run_guarded(case, bench, around)


def known_answers(bench: Bench, cases: Sequence[Case]) -> tuple[dict[Key, tuple[float | None, str | None]], str | None]:
    """Return the answers to rows that stand in data sets which pieces ask about as they are, and why there are none.

    Some are asked twice: a noisy model would otherwise pass for a steady one.
    """
    rows: dict[Key, list[Value]] = {}
    for name in _named(bench, cases):
        for row in bench.rows(name):
            values = bench.values(row)
            rows.setdefault(key_of(values), values)
        if len(rows) > MOST_KNOWN:
            break
    try:
        known = asked(bench.model, rows)
        check_same(bench.model, dict(list(known.items())[:REPEATED_ROWS]))
    except PolicySaysNo:
        raise
    except Noisy as problem:
        return {}, problem.what
    except ShipworthyError:
        return {}, None  # it may yet answer the rows of some pieces: each of them asks, and says what it met
    return known, None


def _named(bench: Bench, cases: Sequence[Case]) -> tuple[str, ...]:
    """The data sets that pieces ask about as they stand, in one order: the held-out rows, then as cases name them."""
    named = [bench.held_out]
    for case in cases:
        if case.input is not None:
            named.append(str(case.input.get("rows", "")))
        shape = SHAPES.get(str((case.generator or {}).get("name", "")))
        if shape is not None and shape.asks and "dataset" in shape.rows:
            named.append(str((case.generator or {}).get("dataset") or ""))
    return tuple(name for name in dict.fromkeys(named) if name in bench.datasets)
