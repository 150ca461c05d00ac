"""`shipworthy override`: two people let a release through although the gate says no, for a while."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.cli.words import PROSE, Finite
from shipworthy.facts import Granted

person = click.option("--as", "person", required=True, help="Your id in the contract that shipped last.")


@click.group(short_help="Two people let a release through anyway.")
def override() -> None:
    """Break glass: two people, a reason, a compensating control, a scope and an end."""


@override.command()
@person
@click.option("--reason", type=PROSE, required=True, help="Why it cannot wait.")
@click.option("--control", type=PROSE, required=True, help="What protects people meanwhile.")
@click.option("--tenants", required=True, help="Which tenants, separated by commas; `*` for all.")
@click.option("--share", type=Finite(0.01, 100), required=True, help="The largest share of units, in percent.")
@click.option("--for", "lasts", required=True, help="How long, such as 36h or 3d; at most 14d.")
@as_json
@click.pass_context
def request(
    ctx: click.Context, person: str, reason: str, control: str, tenants: str, share: float, lasts: str, json_: bool
) -> None:
    """Ask, as an operator, to let the present verdict through: it names every red row. Another person approves."""
    from shipworthy.flows.gate import judge
    from shipworthy.flows.override import Asked, lasting
    from shipworthy.flows.override import request as run

    here = workspace(ctx)
    judged = judge(here)
    asked = Asked(
        reason=reason,
        compensating_control=control,
        tenants=tuple(part.strip() for part in tenants.split(",")),
        share_bp=round(share * 100),
        lasts_s=lasting(lasts),
    )
    _show(json_, run(here, judged.verdict, judged.contract, asked, person), "asked for; another person approves it")


@override.command()
@click.argument("override")
@person
@as_json
@click.pass_context
def approve(ctx: click.Context, override: str, person: str, json_: bool) -> None:
    """Approve OVERRIDE, as a reviewer who did not ask for it: your key signs exactly what is shown."""
    from shipworthy.flows.override import approve as run

    here = workspace(ctx)
    _show(json_, run(here, here.contract().lock, override, person), "holds")


@override.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List the overrides of this site: those asked for, those that hold and those that are over."""
    from shipworthy.flows.override import standing

    here = workspace(ctx)
    found = standing(here, here.contract().lock)
    waits = ["" if not one.waits else f"\n  ({one.waits})" for one in found]
    lines = [f"{one.status:<6} {_text(one.granted)}{wait}" for one, wait in zip(found, waits, strict=True)]
    result(json_, {"overrides": found}, "\n".join(lines) or "no overrides")


def _show(json_: bool, granted: Granted, status: str) -> None:
    from shipworthy.facts import digest

    told = {"granted": granted, "digest": digest(granted.override), "status": status}
    result(json_, told, lambda: f"{_text(granted)}\n{granted.override.id} {status}")


def _text(granted: Granted) -> str:
    """Return an override as people read it: what, where, until when and by whom, then the reasons line by line."""
    from shipworthy.govern.overrides import moment, people, share

    one = granted.override
    lines = [
        f"{one.id} until {moment(one.until)}, signed by {people(granted)}",
        *(f"  covers   {row}" for row in one.covers),
        f"  where    version {one.subject.version}, tenants {', '.join(one.tenants)}, at most {share(one)}",
        f"  because  {' '.join(one.reason.split())}",
        f"  instead  {' '.join(one.compensating_control.split())}",
    ]
    return "\n".join(lines)
