"""`shipworthy kill · degrade · confirm · restore`: orders by hand."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import Held, Named, Scope

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
because_option = click.option("--because", type=click.UNPROCESSED, required=True, help="Why: it stands in the ledger.")


def _scope_options(command: click.decorators.FC) -> click.decorators.FC:
    for name, told in (
        ("segment", "Only requests of this segment, such as supplier=P42; `*` for all."),
        ("tenant", "Only this tenant; `*` for all."),
        ("version", "Only this version; `*` for all."),
    ):
        command = click.option(f"--{name}", default="*", show_default=True, help=told)(command)
    return command


@click.command(short_help="Stop a version, tenant or segment at once.")
@_scope_options
@because_option
@person
@as_json
@click.pass_context
def kill(ctx: click.Context, version: str, tenant: str, segment: str, because: str, person: str, json_: bool) -> None:
    """Kill a version, tenant or segment: it holds at once, with the ledger dead too."""
    _tighten(ctx, Named.KILLED, version, tenant, segment, because, person, json_)


@click.command(short_help="Put one into the contract's safe mode.")
@_scope_options
@click.option("--to-people", is_flag=True, help="Human review instead of the contract's safe mode.")
@because_option
@person
@as_json
@click.pass_context
def degrade(
    ctx: click.Context,
    version: str,
    tenant: str,
    segment: str,
    to_people: bool,
    because: str,
    person: str,
    json_: bool,
) -> None:
    """Degrade a version, tenant or segment to the contract's safe mode."""
    posture = Named.HUMAN_REVIEW if to_people else Named.SAFE_MODE
    _tighten(ctx, posture, version, tenant, segment, because, person, json_)


@click.command(short_help="Stand by a machine's order.")
@click.argument("order")
@person
@as_json
@click.pass_context
def confirm(ctx: click.Context, order: str, person: str, json_: bool) -> None:
    """Stand by a machine's ORDER. The posture stays as it is."""
    from shipworthy.flows.posture import confirm as run

    state = run(workspace(ctx), order, person)
    held = next(one for one in state.orders if one.order.id == order)
    result(json_, {"order": held, "epoch": state.epoch}, f"{order} confirmed by {held.confirmed_by}: {held.because}")


@click.command(short_help="Approve that orders are released.")
@_scope_options
@click.option("--role", default="operator", show_default=True, help="The role you approve in.")
@person
@as_json
@click.pass_context
def restore(ctx: click.Context, version: str, tenant: str, segment: str, role: str, person: str, json_: bool) -> int:
    """Approve, with your key, that the orders inside a scope are released. Leaving `killed` takes two people."""
    from shipworthy.flows.posture import restore as run

    here = workspace(ctx)
    told = run(here, _scope(ctx, version, tenant, segment), person, role)
    text = (
        f"released {', '.join(told.orders)}"
        if told.done
        else f"approved by {', '.join(told.approved_by)}; {told.waits}"
    )
    result(json_, {"restore": told}, text)
    return 0 if told.done else 1


def _scope(ctx: click.Context, version: str, tenant: str, segment: str) -> Scope:
    from shipworthy.contract.files.reader import read_manifest

    return Scope(model=read_manifest(workspace(ctx).root).model, version=version, tenant=tenant, segment=segment)


def _tighten(
    ctx: click.Context,
    posture: Named,
    version: str,
    tenant: str,
    segment: str,
    because: str,
    person: str,
    json_: bool,
) -> None:
    from shipworthy.flows.posture import tighten

    held: Held = tighten(workspace(ctx), _scope(ctx, version, tenant, segment), posture, because, person)
    where = f"version {version}, tenant {tenant}, segment {segment}"
    result(json_, {"order": held}, f"{held.order.id}: {posture.value} on {where}")
