"""`shipworthy rollout`: start, look at, advance, hold or abort a rollout."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import RolloutState

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
@as_json
@click.pass_context
def status(ctx: click.Context, json_: bool) -> None:
    """Show the rollout."""
    from shipworthy.flows.rollout import current

    _show(json_, current(workspace(ctx)))


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


def _show(json_: bool, state: RolloutState | None) -> None:
    if state is None:
        result(json_, {"rollout": None}, "no rollout")
        return
    share = f"{state.share_bp / 100:g} % of units in {', '.join(state.tenants) or 'no tenant'}"
    text = f"{state.id}: version {state.version} over {state.baseline}, stage {state.stage} {state.status}, {share}"
    result(json_, {"rollout": state}, text)
