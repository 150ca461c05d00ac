"""`shipworthy train -- CMD`: run a training and attest it."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, counted, progress, result, workspace


@click.command(context_settings={"ignore_unknown_options": True}, short_help="Run a training and attest it.")
@as_json
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def train(ctx: click.Context, json_: bool, command: tuple[str, ...]) -> None:
    """Run COMMAND in the repository and write what went in and what came out as SLSA provenance.

    For models without a `build:` command. Leaves with 4, attesting nothing, when the command fails.
    """
    from shipworthy.flows.train import train as run

    told = run(workspace(ctx), command, progress)
    result(json_, told, f"attested {counted(len(told['products']), 'file')}: {told['provenance']}")
