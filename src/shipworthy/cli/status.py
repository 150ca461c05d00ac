"""`shipworthy status`: what holds now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import RuntimeState


@click.command(short_help="Show what holds now.")
@click.option("--flagd", metavar="FILE", type=click.Path(path_type=Path), help="Also write it as flags for flagd.")
@as_json
@click.pass_context
def status(ctx: click.Context, flagd: Path | None, json_: bool) -> None:
    """Show the baseline, the rollout, every order that holds, and where breaches lie.

    A serving site keeps `flagd.json` in its state directory by itself.
    """
    from shipworthy.flows.posture import lies_of, state_of, warning_of, write_flags

    if flagd is not None:
        write_flags(workspace(ctx), flagd)
    state, shown, warned = state_of(workspace(ctx)), lies_of(workspace(ctx)), warning_of(workspace(ctx))
    red = [click.style(f"WARNING: {warned}", fg="red")] if warned else []
    told = {"state": state, "lies": shown, "warning": warned}
    result(json_, told, "\n".join([*red, _text(state), *_lies(shown)]))


def _lies(shown: dict[str, Any]) -> list[str]:
    """A line for each breach, and under it the part that explains it beside the rest."""
    lines = []
    for version, breaches in sorted(shown.get("versions", {}).items()):
        for one in breaches:
            why = one["rest"]["because"]
            lines.append(f"{one['slo']} on {one['segment']} of version {version}, {shown['at']}: {why}")
            lines += _table(one["located"]) if one["located"] else ()
    return lines


def _table(part: dict[str, Any]) -> list[str]:
    where = part["segment"] if part["tenant"] == "*" else f"{part['segment']} of tenant {part['tenant']}"
    width = max(len(where), len("the rest"))
    rows = [
        (where, part["n"], part["hits"], part["bound"]),
        ("the rest", part["rest_n"], part["rest_hits"], part["rest_bound"]),
    ]
    head = f"  {'segment':<{width}}  {'n':>9}  {'hits':>9}  bound"
    return [head, *(f"  {name:<{width}}  {n:>9}  {hits:>9}  {bound:.4g}" for name, n, hits, bound in rows)]


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
