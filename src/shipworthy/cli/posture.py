"""`shipworthy confirm · restore`: what people do about orders that hold."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import Scope

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")


def scope_options(command: click.decorators.FC) -> click.decorators.FC:
    for name, told in (
        ("segment", "Only requests of this segment, such as supplier=P42; `*` for all."),
        ("tenant", "Only this tenant; `*` for all."),
        ("version", "Only this version; `*` for all."),
    ):
        command = click.option(f"--{name}", default="*", show_default=True, help=told)(command)
    return command


model_option = click.option("--model", default="", help="The model's name, where the contract cannot be read.")


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
@scope_options
@model_option
@click.option("--role", default="operator", show_default=True, help="The role you approve in.")
@person
@as_json
@click.pass_context
def restore(
    ctx: click.Context, version: str, tenant: str, segment: str, model: str, role: str, person: str, json_: bool
) -> int:
    """Approve, with your key, that the orders inside a scope are released. Leaving `killed` takes two people."""
    from shipworthy.flows.posture import restore as run

    here = workspace(ctx)
    told = run(here, scope_of(ctx, (model, version, tenant, segment)), person, role)
    text = (
        f"released {', '.join(told.orders)}"
        if told.done
        else f"approved by {', '.join(told.approved_by)}; {told.waits}"
    )
    result(json_, {"restore": told}, text)
    return 0 if told.done else 1


def scope_of(ctx: click.Context, place: tuple[str, str, str, str]) -> Scope:
    model, version, tenant, segment = place
    if not model:
        from shipworthy.contract.files.reader import read_manifest

        model = read_manifest(workspace(ctx).root).model
    return Scope(model=model, version=version, tenant=tenant, segment=segment)
