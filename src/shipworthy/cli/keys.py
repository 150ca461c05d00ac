"""`shipworthy keys`: make this site's keys, with public halves where the contract pins them, and tokens of its API."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, progress, result, workspace


@click.group(short_help="Keys of this site and of people, API tokens.")
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


@keys.command()
@click.option("--scope", type=click.Choice(["gate", "read", "rollout"]), required=True, help="What it may do.")
@click.option("--expires", required=True, help="How long it lasts, such as 30d; at most 400d.")
@as_json
@click.pass_context
def token(ctx: click.Context, scope: str, expires: str, json_: bool) -> None:
    """Make a token of the API and show it this one time; only its hash is kept. Deleting its file ends it.

    `read` reads the ledger's facts, `gate` also tells of verdicts, `rollout` lets a controller end a rollout.
    """
    from shipworthy.flows.keys import make_token

    shown, kept = make_token(workspace(ctx), scope, expires)
    told = {"token": shown, "id": kept.id, "scope": kept.scope, "expires": kept.expires}
    progress(f"{kept.id}: scope {kept.scope} until {kept.expires}; it is not shown again")
    result(json_, told, shown)
