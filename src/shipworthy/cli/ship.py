"""`shipworthy ship`: gate, and on a pass sign the verdict, write the lock and keep the release."""

from __future__ import annotations

import click

from shipworthy.cli.show import workspace


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--json", "json_", is_flag=True, help="The same as --format json.")
@click.pass_context
def ship(ctx: click.Context, format_: str, json_: bool) -> int:
    """Ship what the gate passes. Nothing is written when it does not."""
    from shipworthy.flows.gate import report
    from shipworthy.flows.ship import ship as run
    from shipworthy.gate.verdict import exit_code

    told = run(workspace(ctx))
    click.echo(report(told, "json" if json_ else format_), nl=False)
    return exit_code(told.verdict)
