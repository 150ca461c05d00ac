"""`shipworthy review-queue list|take|answer`."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, counted, result, workspace

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
tenants = click.option("--tenant", default=None, help="Only what waits for this tenant (default: for any).")


@click.group("review-queue", short_help="What waits for a person.")
def review_queue() -> None:
    """What waits for a person."""


@review_queue.command("list")
@tenants
@as_json
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, json_: bool) -> None:
    """List what waits, the most urgent first. Inputs stay sealed."""
    from shipworthy.flows.review_queue import waiting

    items = waiting(workspace(ctx), tenant)
    told = [{"id": one.id, "tenant": one.tenant, "deadline": one.deadline, "status": one.status} for one in items]
    lines = [f"{one.deadline}  {one.status:<8} {one.tenant:<12} {one.id}" for one in items[:50]]
    result(json_, {"items": told}, "\n".join([*lines, counted(len(items), "item")]))


@review_queue.command()
@tenants
@person
@as_json
@click.pass_context
def take(ctx: click.Context, tenant: str | None, person: str, json_: bool) -> int:
    """Lease the most urgent item and open its input; the ledger keeps who opened what."""
    from shipworthy.flows.review_queue import take as run

    told = run(workspace(ctx), person, tenant)
    if told is None:
        result(json_, {"item": None}, "nothing waits")
        return 0
    shown = {"id": told.item.id, "deadline": told.item.deadline, "content": told.content}
    lines = [f"{key}: {value}" for key, value in told.content.items()]
    result(json_, {"item": shown}, "\n".join([told.item.id, *lines]))
    return 0


@review_queue.command()
@click.argument("item")
@click.argument("decision")
@person
@as_json
@click.pass_context
def answer(ctx: click.Context, item: str, decision: str, person: str, json_: bool) -> None:
    """Answer an ITEM you have taken with a DECISION of the contract's words."""
    from shipworthy.flows.review_queue import answer as run

    told = run(workspace(ctx), item, person, decision)
    result(json_, {"id": told.id, "answer": told.answer, "label": told.label}, f"{told.id}: {told.answer}")
