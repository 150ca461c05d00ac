"""`shipworthy review-queue list|show|take|give-back|answer|stats`."""

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
@click.argument("item")
@as_json
@click.pass_context
def show(ctx: click.Context, item: str, json_: bool) -> None:
    """Show where an ITEM stands: never its input, nor who said what."""
    from shipworthy.flows.review_queue import show as run
    from shipworthy.runtime.reviews_api import told_of

    told = told_of(run(workspace(ctx), item))
    lines = [f"{key}: {value if isinstance(value, str | int) else ', '.join(value)}" for key, value in told.items()]
    result(json_, {"item": told}, "\n".join(lines))


@review_queue.command()
@click.option("--item", default=None, help="This one instead of the most urgent.")
@tenants
@person
@as_json
@click.pass_context
def take(ctx: click.Context, item: str | None, tenant: str | None, person: str, json_: bool) -> int:
    """Lease the most urgent item and open its input; the ledger keeps who opened what."""
    from shipworthy.flows.review_queue import take as run

    told = run(workspace(ctx), person, tenant, item)
    if told is None:
        result(json_, {"item": None}, "nothing waits")
        return 0
    shown = {"id": told.item.id, "deadline": told.item.deadline, "content": told.content}
    lines = [f"{key}: {value}" for key, value in told.content.items()]
    result(json_, {"item": shown}, "\n".join([told.item.id, *lines]))
    return 0


@review_queue.command("give-back")
@click.argument("item")
@person
@as_json
@click.pass_context
def give_back(ctx: click.Context, item: str, person: str, json_: bool) -> None:
    """Let somebody else have an ITEM that you have taken."""
    from shipworthy.flows.review_queue import give_back as run

    told = run(workspace(ctx), item, person)
    result(json_, {"id": told.id, "status": told.status}, f"{told.id}: {told.status}")


@review_queue.command()
@click.argument("item")
@click.argument("decision")
@click.option("--because", default="", help="Why, in one line; the ledger keeps it: no personal data.")
@person
@as_json
@click.pass_context
def answer(ctx: click.Context, item: str, decision: str, because: str, person: str, json_: bool) -> None:
    """Answer an ITEM you have taken with a DECISION of the contract's words."""
    from shipworthy.flows.review_queue import answer as run

    told = run(workspace(ctx), item, person, decision, because)
    text = told.answer or "kept; another person must look before it stands"
    result(
        json_, {"id": told.id, "answer": told.answer, "label": told.label, "status": told.status}, f"{told.id}: {text}"
    )


@review_queue.command()
@as_json
@click.pass_context
def stats(ctx: click.Context, json_: bool) -> None:
    """Tell how full the queue is, by tenant, what did not fit, and who has how many items."""
    from shipworthy.flows.review_queue import depth

    told = depth(workspace(ctx))
    lines = [f"open: {counted(sum(told.open.values()), 'item')}, next deadline {told.oldest or 'none'}"]
    lines += [f"  {tenant}: {n}" for tenant, n in told.open.items()]
    lines += [f"did not fit: {n} of {tenant}" for tenant, n in told.overflow.items()]
    lines += [f"with {who}: {n}" for who, n in told.leases.items()]
    lines += [f"{status}: {n}" for status, n in told.statuses.items()]
    result(json_, {"queue": told}, "\n".join([*lines, f"disputed: {told.disputed}"]))
