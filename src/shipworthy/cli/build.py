"""`shipworthy build`: run the build command and add the reference profile and thresholds."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, progress, result, workspace


@click.command()
@as_json
@click.pass_context
def build(ctx: click.Context, json_: bool) -> None:
    """Run the manifest's build command, then fit profile and thresholds on the declared rows."""
    from shipworthy.flows.build import build as run

    told = run(workspace(ctx), progress)
    result(json_, told, f"built {told['artefact']}")
