"""`shipworthy keys`: this site's keys, with public halves where the contract pins them, tokens, and keys of callers."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, progress, result, workspace


@click.group(short_help="Keys of this site, of people and of callers; tokens.")
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
@click.option(
    "--scope",
    type=click.Choice(["gate", "read", "rollout", "review", "trigger"]),
    required=True,
    help="What it may do.",
)
@click.option("--expires", required=True, help="How long it lasts, such as 30d; at most 400d.")
@click.option("--person", default="", help="Of scope `review`: whose it is, by their id in the contract's `people`.")
@click.option("--limit", default="", help="Of a trigger: the segment it stays inside, such as supplier=S2;tenant=acme.")
@click.option("--actions", default="", help="Of a trigger: some of degrade,review,kill.")
@as_json
@click.pass_context
def token(ctx: click.Context, scope: str, expires: str, person: str, limit: str, actions: str, json_: bool) -> None:
    """Make a token of the API and show it this one time; only its hash is kept. Deleting its file ends it.

    `read` reads the ledger's facts, `gate` also tells of verdicts, `rollout` lets a controller end a rollout,
    `review` lets one person work at the review queue, `trigger` lets Alertmanager tighten inside its limit, which `*`
    makes everything.
    """
    from shipworthy.flows.keys import make_token

    wanted = tuple(actions.split(",")) if actions else ()
    shown, kept = make_token(workspace(ctx), scope, expires, limit, wanted, person)
    told = {"token": shown, "id": kept.id, "scope": kept.scope, "expires": kept.expires}
    told |= {"person": kept.person} if kept.person else {}
    progress(f"{kept.id}: scope {kept.scope} until {kept.expires}; it is not shown again")
    result(json_, told, shown)


@keys.command()
@click.option("--tenant", required=True, help="Whom the caller speaks for, as requests name it; `*` for every tenant.")
@click.option("--expires", required=True, help="How long it lasts, such as 90d; at most 400d.")
@as_json
@click.pass_context
def api(ctx: click.Context, tenant: str, expires: str, json_: bool) -> None:
    """Make a key that callers of the gateway show, and show it this one time; only its hash is kept.

    With the first key, requests without one are refused.
    """
    from shipworthy.flows.keys import make_api_key

    shown, kept = make_api_key(workspace(ctx), tenant, expires)
    told = {"key": shown, "id": kept.id, "tenant": kept.tenant, "expires": kept.expires}
    progress(f"{kept.id}: tenant {kept.tenant} until {kept.expires}; it is not shown again")
    result(json_, told, shown)


@keys.command(name="list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List the keys that callers show: id, tenant, end, and whether they hold; never the keys."""
    from shipworthy.flows.keys import api_keys
    from shipworthy.runtime.api_keys import state_of

    here = workspace(ctx)
    kept = [(one, state_of(one, here.now())) for one in api_keys(here)]
    told = [{"id": one.id, "tenant": one.tenant, "expires": one.expires, "state": state} for one, state in kept]
    lines = [f"{one.id}  {state:<8}  until {one.expires}  {one.tenant}" for one, state in kept]
    result(json_, {"keys": told}, "\n".join(lines) or "no keys: anybody on this machine may ask")


@keys.command()
@click.argument("key_id", metavar="ID")
@as_json
@click.pass_context
def revoke(ctx: click.Context, key_id: str, json_: bool) -> None:
    """End the key of this ID (or of what it begins with) on every running gateway within a second."""
    from shipworthy.flows.keys import revoke_api_key

    gone = revoke_api_key(workspace(ctx), key_id)
    told = {"id": gone.id, "tenant": gone.tenant, "revoked_at": gone.revoked_at}
    result(json_, told, f"{gone.id} of {gone.tenant} is revoked")
