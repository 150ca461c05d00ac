"""`shipworthy ship`: gate, and on a pass sign the verdict, write the lock and keep the release."""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipworthy.cli.reports import outputs_of, report_options
from shipworthy.cli.show import workspace


@click.command()
@report_options
@click.pass_context
def ship(ctx: click.Context, format_: str, json_: bool, output: Path | None, also: tuple[str, ...]) -> int:
    """Ship what the gate passes. Nothing is written when it does not."""
    from shipworthy.flows.report import publish
    from shipworthy.flows.ship import ship as run
    from shipworthy.gate.verdict import exit_code

    outputs = outputs_of(format_, json_, output, also)
    told = run(workspace(ctx))
    click.echo(publish(told, outputs, os.environ), nl=False)
    return exit_code(told.verdict)
