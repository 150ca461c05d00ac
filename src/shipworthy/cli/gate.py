"""`shipworthy gate`: the release verdict."""

from __future__ import annotations

import click

from shipworthy.cli.show import workspace


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--json", "json_", is_flag=True, help="The same as --format json.")
@click.pass_context
def gate(ctx: click.Context, format_: str, json_: bool) -> int:
    """Judge the evidence: 0 ship, 1 blocked, 3 contract invalid, 4 cannot decide."""
    from shipworthy.flows.gate import judge, report
    from shipworthy.gate.verdict import exit_code

    told = judge(workspace(ctx))
    click.echo(report(told, "json" if json_ else format_), nl=False)
    return exit_code(told.verdict)
