"""`shipworthy gate`: the release verdict."""

from __future__ import annotations

import os
from pathlib import Path

import click

from shipworthy.cli.reports import outputs_of, report_options
from shipworthy.cli.show import workspace


@click.command(short_help="Judge the evidence: the release verdict.")
@report_options
@click.pass_context
def gate(ctx: click.Context, format_: str, json_: bool, output: Path | None, also: tuple[str, ...]) -> int:
    """Judge the evidence: 0 ship, 1 blocked, 3 contract invalid, 4 cannot decide."""
    from shipworthy.flows.gate import judge
    from shipworthy.flows.report import publish
    from shipworthy.gate.verdict import exit_code

    outputs = outputs_of(format_, json_, output, also)
    told = judge(workspace(ctx))
    click.echo(publish(told, outputs, os.environ), nl=False)
    return exit_code(told.verdict)
