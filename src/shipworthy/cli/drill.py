"""`shipworthy drill`: practise the kill switch, a rollback, a degrade or a game day on the synthetic tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, progress, result, workspace

if TYPE_CHECKING:
    from shipworthy.facts import Drill

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
url = click.option("--url", default="", help="Where the gateway listens, when its state directory does not say.")
trips = click.option("--trips", type=click.IntRange(1, 50), default=3, show_default=True, help="How often to trip.")


@click.group(short_help="Practise on the synthetic tenant.")
def drill() -> None:
    """Practise on the synthetic tenant, which nobody can be: nothing real is touched, and the ledger keeps the times.

    Exit 0 when it passed, 1 when it failed, 4 when no gateway serves, 5 when it does not answer. What people order over
    the synthetic tenant is taken back like any other order: `shipworthy restore --tenant __drill__`, by two people.
    """


@drill.command()
@person
@trips
@url
@as_json
@click.pass_context
def kill(ctx: click.Context, person: str, trips: int, url: str, json_: bool) -> None:
    """Trip the kill switch, and time how soon every replica answers by it."""
    _practise(ctx, "kill", person, url, "*", trips, json_)


@drill.command()
@person
@trips
@url
@as_json
@click.pass_context
def rollback(ctx: click.Context, person: str, trips: int, url: str, json_: bool) -> None:
    """Close the candidate's route for the synthetic tenant, and time how soon the baseline answers."""
    _practise(ctx, "rollback", person, url, "*", trips, json_)


@drill.command()
@click.option("--segment", default="*", show_default=True, help="Only inside this segment, such as supplier=S2.")
@person
@trips
@url
@as_json
@click.pass_context
def degrade(ctx: click.Context, segment: str, person: str, trips: int, url: str, json_: bool) -> None:
    """Order safe mode, and time how soon the fallback answers."""
    _practise(ctx, "degrade", person, url, segment, trips, json_)


@drill.command()
@click.option(
    "--fault",
    required=True,
    type=click.Choice(("unseen", "junk-tenant", "never-event", "candidate-500", "candidate-hang")),
    help="What goes wrong, for the synthetic tenant alone.",
)
@click.option(
    "--confirm-within",
    "confirm_within_s",
    type=click.FloatRange(min=1.0),
    default=900.0,
    show_default=True,
    help="Seconds for a person to run `shipworthy confirm`.",
)
@person
@url
@as_json
@click.pass_context
def gameday(ctx: click.Context, fault: str, confirm_within_s: float, person: str, url: str, json_: bool) -> None:
    """Inject a fault on purpose; measure the time to detect, to degrade and to confirm.

    Exit 0 when it passed, 1 when it failed, 4 when it cannot be injected here, 5 when the gateway does not answer. A
    fault of the candidate opens circuits, which place no order: nobody has to confirm anything then.
    """
    from shipworthy.flows.drill import gameday as run

    progress(f"{fault} is being injected, for the synthetic tenant alone")
    here = workspace(ctx)
    found = run(
        here,
        fault,
        person,
        url=url,
        confirm_within_s=confirm_within_s,
        say=lambda command: progress(f"a machine has ordered; whoever is on call: {command}"),
    )
    _told(ctx, found, json_)


@drill.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List the drills of this site, oldest first."""
    from shipworthy.flows.drill import known

    found = known(workspace(ctx))
    result(json_, {"drills": found}, "\n".join(_line(one) for one in found) or "no drill was ever run")


@drill.command()
@click.argument("drill_id", metavar="DRILL")
@as_json
@click.pass_context
def show(ctx: click.Context, drill_id: str, json_: bool) -> None:
    """Show one drill with the time of every replica."""
    from shipworthy.flows.drill import one

    found = one(workspace(ctx), drill_id)
    result(json_, {"drill": found}, lambda: _table(found))


@drill.command()
@as_json
@click.pass_context
def schedule(ctx: click.Context, json_: bool) -> None:
    """Show how often the contract wants drills, when the last ones passed, and whether one is due."""
    from shipworthy.flows.drill import schedule as run

    told = run(workspace(ctx))
    lines = [f"every {told['every']}, run {told['run']}{' at ' + told['at'] + ' UTC' if told['run'] == 'auto' else ''}"]
    for kind, last in told["last_passed"].items():
        age = "" if last["age_d"] is None else f", {last['age_d']} days ago"
        lines.append(f"  {kind}: {last['drill'] or 'never'}{age}")
    result(json_, told, "\n".join([*lines, "a kill drill is due" if told["due"] else "none is due"]))


def _practise(ctx: click.Context, kind: str, person: str, url: str, segment: str, trips: int, json_: bool) -> None:
    from shipworthy.flows.drill import drill as run

    _told(ctx, run(workspace(ctx), kind, person, url=url, segment=segment, trips=trips), json_)


def _told(ctx: click.Context, found: Drill, json_: bool) -> None:
    result(json_, {"drill": found}, lambda: _table(found))
    if found.verdict != "passed":
        ctx.exit(1)


def _line(one: Drill) -> str:
    what = f"{one.kind} {one.fault}".strip()
    return f"{one.id} {one.at[:16]}Z {what} on version {one.version}: {one.verdict}, {one.because}"


def _table(one: Drill) -> str:
    rows = [
        ("p50", one.p50_ms),
        ("p99", one.p99_ms),
        ("max", one.max_ms),
        ("last unsafe answer", one.last_candidate_ms),
    ]
    if one.kind == "gameday":
        rows = [("to detect", one.detect_ms), ("to degrade", one.degrade_ms)]
        rows += [("to confirm", one.confirm_ms)] if one.order else []
    rows += [(replica.name, replica.took_ms) for replica in one.replicas]
    width = max(len(name) for name, _ in rows)
    return "\n".join([_line(one), *(f"  {name:<{width}}  {_ms(ms)}" for name, ms in rows)])


def _ms(ms: float | None) -> str:
    return "never" if ms is None else f"{ms:.1f} ms"
