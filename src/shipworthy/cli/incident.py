"""`shipworthy incident list|show|promote|close`."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.cli.words import Finite
from shipworthy.facts import CaseResult

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")


@click.group(short_help="List, show, promote and close incidents.")
def incident() -> None:
    """Breaches with an owner, a timeline and an end that is proven."""


@incident.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List incidents."""
    from shipworthy.flows.incident import listed

    found = listed(workspace(ctx))
    lines = [f"{one.id} {one.severity} {one.status:<9} owner {one.owner}: {one.title}" for one in found]
    result(json_, {"incidents": found}, "\n".join(lines) or "no incidents")


@incident.command()
@click.argument("name")
@as_json
@click.pass_context
def show(ctx: click.Context, name: str, json_: bool) -> None:
    """Show an incident and its timeline from the ledger."""
    from shipworthy.flows.incident import show as run

    told = run(workspace(ctx), name)
    lines = [f"{at}  {who:<10} {what}" for at, who, what in told.timeline]
    result(json_, {"incident": told.incident, "timeline": told.timeline}, "\n".join([told.incident.title, *lines]))


@incident.command()
@click.argument("name")
@click.option(
    "--rows",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A table (CSV) of the incident's rows with their labels.",
)
@click.option(
    "--target",
    type=Finite(0, 1),
    default=0.15,
    show_default=True,
    help="The most of the rows labelled 1 that the machine may deny in the new case.",
)
@person
@as_json
@click.pass_context
def promote(ctx: click.Context, name: str, rows: Path, target: float, person: str, json_: bool) -> None:
    """Write the failure into the pack of this repository, from labelled ROWS of the incident."""
    from shipworthy.flows.incident import promote as run

    one, cases = run(workspace(ctx), name, rows, person, target)
    lines = [f"{case.id}: {case.oracle.name} {case.oracle.op} {case.oracle.target:g}" for case in cases]
    result(json_, {"incident": one, "cases": cases}, "\n".join(lines))


@incident.command()
@click.argument("name")
@person
@as_json
@click.pass_context
def close(ctx: click.Context, name: str, person: str, json_: bool) -> int:
    """Close an incident: its cases must fail on its model and pass on the one built here."""
    from shipworthy.flows.incident import close as run

    told = run(workspace(ctx), name, person)
    lines = [*_lines("before", told.before), *_lines("after", told.after), *told.refused]
    lines.append(f"{told.incident.id} {told.incident.status}")
    shown = {"incident": told.incident, "before": told.before, "after": told.after, "refused": told.refused}
    result(json_, shown, "\n".join(lines))
    return 1 if told.refused else 0


def _lines(when: str, results: tuple[CaseResult, ...]) -> list[str]:
    return [f"{when:<7} {one.status:<5} {one.case}: {one.because}" for one in results]
