"""`shipworthy ship`: gate, and on a pass sign the verdict, write the lock and keep the release."""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipworthy.cli.reports import outputs_of, report_options
from shipworthy.cli.show import progress, workspace


@click.command(short_help="Ship what the gate passes.")
@report_options
@click.option(
    "--override",
    default="",
    allow_from_autoenv=False,
    help="Let it through under this approved override, though the gate says no.",
)
@click.pass_context
def ship(
    ctx: click.Context, format_: str, json_: bool, output: Path | None, also: tuple[str, ...], override: str
) -> int:
    """Ship what the gate passes. Nothing is written when it does not, unless two people stand for it."""
    from shipworthy.facts import Decision
    from shipworthy.flows.report import publish
    from shipworthy.flows.ship import ship as run
    from shipworthy.flows.ship import shipped_files
    from shipworthy.gate.verdict import exit_code

    outputs = outputs_of(format_, json_, output, also)
    here = workspace(ctx)
    told = run(here, override)
    click.echo(publish(told, outputs, os.environ), nl=False)
    if told.released_under:
        progress(f"let through under {told.released_under}, though it did not pass; shipworthy.lock is unchanged")
        progress("it may be rolled out until the override ends; see `shipworthy override list`")
        return 0
    if told.verdict.decision is Decision.SHIP:
        for path in shipped_files(here, told.verdict.subject):
            progress(f"wrote {path}")
        progress("now commit shipworthy.lock")
    return exit_code(told.verdict)
