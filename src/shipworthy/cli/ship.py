"""`shipworthy ship`: gate, and on a pass sign the verdict, write the lock and keep the release."""

from __future__ import annotations

import click

from shipworthy.cli.show import progress, workspace


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--json", "json_", is_flag=True, help="The same as --format json.")
@click.option(
    "--override",
    default="",
    allow_from_autoenv=False,
    help="Let it through under this approved override, though the gate says no.",
)
@click.pass_context
def ship(ctx: click.Context, format_: str, json_: bool, override: str) -> int:
    """Ship what the gate passes. Nothing is written when it does not, unless two people stand for it."""
    from shipworthy.flows.gate import report
    from shipworthy.flows.ship import ship as run
    from shipworthy.gate.verdict import exit_code

    told = run(workspace(ctx), override)
    click.echo(report(told, "json" if json_ else format_), nl=False)
    if told.released_under:
        progress(f"let through under {told.released_under}: not passed, the lock stays, and it ends by itself")
        return 0
    return exit_code(told.verdict)
