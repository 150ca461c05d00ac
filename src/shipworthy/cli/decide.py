"""`shipworthy decide record|list|reverse|allow|accept`: decisions that people record and sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.cli.words import PROSE

if TYPE_CHECKING:
    from shipworthy.flows.decide import Recorded

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
role = click.option("--role", type=click.Choice(["reviewer", "ml"]), required=True, help="The role you sign in.")


@click.group(short_help="Record, reverse, allow and accept.")
def decide() -> None:
    """Decisions against deployment, their reversal, and loosenings that are allowed."""


@decide.command()
@click.argument("kind", type=click.Choice(["do-not-deploy", "retire"]))
@click.option("--version", required=True, help="The version it is about; `*` for all.")
@click.option("--because", type=PROSE, required=True, help="Why: it stands in the record and in the ledger.")
@person
@as_json
@click.pass_context
def record(ctx: click.Context, kind: str, version: str, because: str, person: str, json_: bool) -> None:
    """Record, with your key, that a version is not deployed. It holds at once, and a serving site closes it."""
    from shipworthy.flows.decide import record as run

    told = run(workspace(ctx), kind, version, because, person)
    result(json_, {"record": told}, f"{told.file}: {kind} holds")


@decide.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List the decisions that stand, from records, lock and ledger."""
    from shipworthy.flows.decide import standing_against

    here = workspace(ctx)
    standing = standing_against(here, here.contract())
    lines = [one.told for one in standing] or ["no decision stands against deployment"]
    result(json_, {"standing": standing}, "\n".join(lines))


@decide.command()
@click.argument("name")
@role
@person
@as_json
@click.pass_context
def reverse(ctx: click.Context, name: str, role: str, person: str, json_: bool) -> int:
    """Sign that the decision NAME is taken back. Two people of different roles are needed."""
    from shipworthy.flows.decide import reverse as run

    return _signed(run(workspace(ctx), name, person, role), json_)


@decide.command()
@role
@person
@as_json
@click.pass_context
def allow(ctx: click.Context, role: str, person: str, json_: bool) -> int:
    """Sign that exactly the rows which `gate` shows as loosened are allowed. Two people are needed."""
    from shipworthy.flows.decide import allow as run
    from shipworthy.flows.gate import loosened

    here = workspace(ctx)
    rows, covers = loosened(here)
    return _signed(run(here, rows, covers, person, role), json_)


@decide.command()
@click.argument("case")
@click.option("--until", required=True, help="The last day on which it holds, such as 2026-01-31; a year at most.")
@role
@person
@as_json
@click.pass_context
def accept(ctx: click.Context, case: str, until: str, role: str, person: str, json_: bool) -> int:
    """Sign that CASE may leave open what it cannot show for want of approved rows. Two people are needed."""
    from shipworthy.flows.decide import accept as run

    return _signed(run(workspace(ctx), case, until, person, role), json_)


def _signed(told: Recorded, json_: bool) -> int:
    signed = f"{told.file}: signed by {', '.join(told.signed_by)}"
    result(json_, {"record": told}, f"{signed}; {told.waits or 'it holds'}")
    return 1 if told.waits else 0
