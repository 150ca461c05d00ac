"""`shipworthy sign`: sign the artefact folder."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace


@click.command()
@as_json
@click.pass_context
def sign(ctx: click.Context, json_: bool) -> None:
    """Sign every file of the artefact folder with the site's signing key (model-signing v1.0 bundle)."""
    from shipworthy.flows.sign import sign as run

    here = workspace(ctx)
    path = run(here, here.contract())
    result(json_, {"signature": str(path)}, f"signed: {path}")
