"""`shipworthy status`: what holds now."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import RuntimeState


@click.command(short_help="Show what holds now.")
@as_json
@click.pass_context
def status(ctx: click.Context, json_: bool) -> None:
    """Show the baseline, the rollout and every order that holds."""
    from shipworthy.flows.posture import state_of

    state = state_of(workspace(ctx))
    result(json_, {"state": state}, _text(state))


def _text(state: RuntimeState) -> str:
    from shipworthy.observe.recalibrate import price

    lines = [f"epoch {state.epoch}, baseline {state.baseline or 'none'}"]
    if state.rollout is not None:
        one = state.rollout
        lines.append(f"rollout {one.id}: {one.version} stage {one.stage} {one.status}, {one.share_bp / 100:g} %")
    for held in state.orders:
        scope = held.order.scope
        seen = f"confirmed by {held.confirmed_by}" if held.confirmed_by else f"CONFIRM by {held.order.confirm_by}"
        where = f"version {scope.version}, tenant {scope.tenant}, {scope.segment}"
        lines.append(f"{held.order.id} {held.order.posture.value} on {where}: {held.because} ({seen})")
    for moved in state.thresholds:
        lines.append(f"thresholds of {moved.version}, {moved.bucket}, since {moved.at}: {price(moved)}")
    if not state.orders:
        lines.append("no order holds")
    return "\n".join(lines)
