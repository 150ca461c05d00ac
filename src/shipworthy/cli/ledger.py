"""`shipworthy ledger show|checkpoint|key|verify|replay`."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace


@click.group(short_help="Show, verify and replay what happened.")
def ledger() -> None:
    """What happened, by whom, and the proof that nothing of it was changed."""


@ledger.command()
@click.option("--from", "start", type=click.IntRange(0), default=0, help="First entry.")
@as_json
@click.pass_context
def show(ctx: click.Context, start: int, json_: bool) -> None:
    """Print entries."""
    from shipworthy.flows.ledger import show as run

    entries = run(workspace(ctx), start)
    lines = [f"{one.seq:>5}  {one.at}  {one.actor:<10} {one.kind}" for one in entries]
    result(json_, {"entries": entries}, "\n".join(lines) or "the ledger is empty")


@ledger.command()
@click.pass_context
def checkpoint(ctx: click.Context) -> None:
    """Print a signed checkpoint. Keep it somewhere else: it is what shows a cut tail."""
    from shipworthy.flows.ledger import checkpoint as run

    click.echo(run(workspace(ctx)), nl=False)


@ledger.command()
@as_json
@click.pass_context
def key(ctx: click.Context, json_: bool) -> None:
    """Print the public key of this ledger's checkpoints: gates elsewhere pin it as SHIPWORTHY_LEDGER_KEY."""
    from shipworthy.flows.ledger import verifier_key_of

    told = verifier_key_of(workspace(ctx))
    result(json_, {"key": told}, told)


@ledger.command()
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A checkpoint that was kept elsewhere: what it pinned must still be there.",
)
@as_json
@click.pass_context
def verify(ctx: click.Context, against: Path | None, json_: bool) -> int:
    """Verify every entry, and that what a kept checkpoint pinned is still there."""
    from shipworthy.flows.ledger import verify as run

    told = run(workspace(ctx), against)
    text = f"{told.size} entries verify" if told.ok else "\n".join(told.problems)
    result(json_, {"ok": told.ok, "size": told.size, "problems": told.problems}, text)
    return 0 if told.ok else 4


@ledger.command()
@as_json
@click.pass_context
def replay(ctx: click.Context, json_: bool) -> int:
    """Rebuild the state from the ledger and compare it with the one that holds."""
    from shipworthy.flows.ledger import replay as run

    told = run(workspace(ctx))
    text = f"{told.entries} entries give the state that holds" if told.same else told.problem
    result(json_, {"same": told.same, "entries": told.entries, "problem": told.problem, "state": told.state}, text)
    return 0 if told.same else 4
