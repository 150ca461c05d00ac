"""`shipworthy rollout`: start, look at, advance, hold or abort a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, result, workspace

if TYPE_CHECKING:
    from shipworthy.facts import Judgement, RolloutState
    from shipworthy.flows.rollout import Standing

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")


@click.group(short_help="Bring in a shipped version by stages.")
def rollout() -> None:
    """Bring in a shipped version by stages."""


@rollout.command()
@click.argument("version")
@person
@as_json
@click.pass_context
def start(ctx: click.Context, version: str, person: str, json_: bool) -> None:
    """Start the first stage of a shipped VERSION."""
    from shipworthy.flows.rollout import start as run

    _show(json_, run(workspace(ctx), version, person))


@rollout.command()
@click.option("-w", "--watch", is_flag=True, help="Follow until it moves or ends.")
@click.option(
    "--timeout",
    "timeout_s",
    default=600.0,
    show_default=True,
    type=click.FloatRange(min=0.0),
    help="Seconds to follow at most.",
)
@as_json
@click.pass_context
def status(ctx: click.Context, watch: bool, timeout_s: float, json_: bool) -> None:
    """Show the rollout: its stage, what was judged and compared, what is missing and who may advance.

    With -w: exit 0 when it has moved, 1 when it was aborted, 4 when nothing moved in time.
    """
    from shipworthy.flows.rollout import follow, standing

    if not watch:
        _stand(json_, standing(workspace(ctx)))
        return
    last = follow(workspace(ctx), timeout_s, lambda now: None if json_ else click.echo(_line(now), err=True))
    _stand(json_, last)
    if last.word == "aborted":
        ctx.exit(1)


@rollout.command()
@person
@as_json
@click.pass_context
def advance(ctx: click.Context, person: str, json_: bool) -> None:
    """Approve the next stage, in the role the stage asks for: the serving gateway must have judged this one met."""
    from shipworthy.flows.rollout import advance as run

    _show(json_, run(workspace(ctx), person))


@rollout.command()
@person
@as_json
@click.pass_context
def hold(ctx: click.Context, person: str, json_: bool) -> None:
    """Keep the share as it is until somebody advances."""
    from shipworthy.flows.rollout import hold as run

    _show(json_, run(workspace(ctx), person))


@rollout.command()
@person
@as_json
@click.pass_context
def abort(ctx: click.Context, person: str, json_: bool) -> None:
    """Back to the warm baseline, from any stage."""
    from shipworthy.flows.rollout import abort as run

    _show(json_, run(workspace(ctx), person))


def _show(json_: bool, state: RolloutState) -> None:
    result(json_, {"rollout": state}, _state(state))


def _state(state: RolloutState) -> str:
    share = f"{state.share_bp / 100:g} % of units in {', '.join(state.tenants) or 'no tenant'}"
    return f"{state.id}: version {state.version} over {state.baseline}, stage {state.stage} {state.status}, {share}"


def _stand(json_: bool, now: Standing) -> None:
    told = {name: getattr(now, name) for name in now.__struct_fields__}
    result(json_, told, lambda: "\n".join(_lines(now)))


def _line(now: Standing) -> str:
    if now.rollout is None:
        return "no rollout"
    named = f" ({now.stage}, {now.rollout.stage + 1} of {now.stages})" if now.stage else ""
    return f"{_state(now.rollout)}{named}: {now.word}"


def _lines(now: Standing) -> list[str]:
    lines = [_line(now)]
    if now.problem:
        lines.append(f"its plan cannot be read: {now.problem}")
    lines += [f"  {_judged(one)}" for one in (*now.judgements, *now.compared)]
    verdict = now.verdict
    if verdict is None or now.rollout is None or now.rollout.status in ("aborted", "completed"):
        return lines
    counted = f"{verdict.samples} of {verdict.min_samples} samples, {verdict.per_minute:.3g} a minute"
    lines.append(f"{counted}; judged {now.judged_at or 'not yet'}")
    lines += [f"missing: {reason}" for reason in verdict.reasons] if verdict.verdict != "pass" else []
    if verdict.needs_n:
        pace = f", about {verdict.needs_minutes} minutes" if verdict.needs_minutes is not None else ""
        lines.append(f"needs about {verdict.needs_n} more requests of the candidate{pace}")
    lines.append(
        f"advances: {'the controller' if not verdict.waits_for else f'whoever has the role {verdict.waits_for}'}"
    )
    return lines


def _judged(one: Judgement) -> str:
    outcome = one.outcome.value if one.here else "not judged"
    return f"{one.slo} on {one.segment}: {outcome}, {one.because}"
