"""`shipworthy strength`: would this contract stop a bad model?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, counted, progress, result, workspace

if TYPE_CHECKING:
    from shipworthy.facts import Judgement
    from shipworthy.gate.strength import Strength, Tried

MOST_WORKERS = 4


@click.command(short_help="Try the contract on bad models.")
@click.option("--only", multiple=True, metavar="NAME", help="Try only this one, or all that begin so; repeatable.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes at a time (default: one a core, at most 4).")
@as_json
@click.pass_context
def strength(ctx: click.Context, only: tuple[str, ...], workers: int | None, json_: bool) -> int:
    """Make 20 bad models and 5 good ones of yours, and put each through pack, gate and replayed runtime.

    Leaves with 1 when an SLO on `contract_strength` asks for more, with 4 when it cannot be told. What is finished is
    kept: an interrupted run goes on. With --only nothing is recorded for the gate.
    """
    from shipworthy.flows.pinned import pin_this_process

    pin_this_process()
    import msgspec

    from shipworthy.flows.strength.run import strength as run
    from shipworthy.gate.strength import counts, verdict_on

    here = workspace(ctx)
    record, path = run(here, progress, only, workers or min(MOST_WORKERS, os.cpu_count() or 1))
    judged = verdict_on(here.contract().policy, record) if record.whole else ()
    told = {
        **msgspec.to_builtins(record),
        "counts": msgspec.to_builtins(counts(record)),
        "judgements": msgspec.to_builtins(judged),
        "record": None if path is None else str(path),
    }
    result(json_, told, lambda: shown(record, judged))
    return exit_code(judged)


def exit_code(judged: tuple[Judgement, ...]) -> int:
    """Return 0 when every SLO on it is met or there is none, 1 for a breach, 4 when it cannot be told."""
    outcomes = {one.outcome.value for one in judged if not one.trial}
    return 1 if "breached" in outcomes else 4 if outcomes - {"met"} else 0


def shown(record: Strength, judged: tuple[Judgement, ...]) -> str:
    """Return the report: a line for each, what survived and what was too tight, and the score by clause."""
    from shipworthy.gate.strength import counts

    lines = [_line(one) for one in record.tried]
    lines += [f"not exercised, since the release itself does not pass it here: {name}" for name in record.not_exercised]
    lines += [
        f"{'all clauses' if one.clause == '*' else one.clause}: {one.stopped} of {one.mutants} mutants stopped"
        for one in counts(record)
    ]
    shipped = len(record.healthy) - len(record.too_tight)
    lines.append(f"{shipped} of {counted(len(record.healthy), 'healthy variant')} shipped")
    if not record.whole:
        lines.append("only some were tried: nothing is recorded for the gate")
    return "\n".join([*lines, *(f"{one.slo} {one.outcome}: {one.because}" for one in judged)])


def _line(one: Tried) -> str:
    by = ", ".join(one.by[:3]) + (f" and {len(one.by) - 3} more" if len(one.by) > 3 else "")
    after = f" after {one.requests} of {one.sent} requests" if one.requests is not None else ""
    if one.stopped == "not made":
        return f"  not made  {one.id}: {one.told}"
    if one.healthy:
        what = "  ships     " if one.stopped == "nowhere" else "  TOO TIGHT "
        return f"{what}{one.id}: {by or one.does}{after}{f': {one.told}' if one.told else ''}"
    if one.stopped == "nowhere":
        return f"  SURVIVED  {one.id} ({one.clause}): {one.does}\n            {one.told}"
    return f"  stopped   {one.id}: {one.stopped}{after}: {by}"
