"""`shipworthy keys new`: make this site's keys and put the public halves where the contract pins them."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace


@click.group()
def keys() -> None:
    """Keys of this site and of people."""


@keys.command()
@as_json
@click.pass_context
def new(ctx: click.Context, json_: bool) -> None:
    """Make the keys that are missing, marked `dev`. Nothing is overwritten."""
    from shipworthy.contract.files.reader import read_manifest
    from shipworthy.flows.keys import new_keys

    here = workspace(ctx)
    made = [str(path.relative_to(here.root.resolve())) for path in new_keys(here, read_manifest(here.root))]
    result(json_, {"published": made}, "\n".join(f"published {path}" for path in made) or "all keys were there")
