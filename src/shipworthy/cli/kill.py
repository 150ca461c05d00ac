"""`shipworthy kill · degrade`: orders by hand.

After an order, every replica of this host is told with the time it took. The order holds in any case; with `--wait` the
verb leaves with 4 unless all of them answer by it in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.posture import model_option, person, scope_of, scope_options
from shipworthy.cli.show import as_json, counted, progress, result, workspace
from shipworthy.facts import Held, Named, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shipworthy.store.replicas import Replica

ACKNOWLEDGED_WITHIN_S = 1.0
because_option = click.option("--because", type=click.UNPROCESSED, required=True, help="Why: it stands in the ledger.")
wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0.0, 600.0),
    default=None,
    metavar="S",
    help="Leave with 4 unless every replica answers by the order within S seconds.",
)


@click.command(short_help="Stop a version, tenant or segment at once.")
@scope_options
@click.option("--local", is_flag=True, help="Needs the state directory only: no contract, store or ledger.")
@model_option
@because_option
@person
@wait_option
@as_json
@click.pass_context
def kill(
    ctx: click.Context,
    version: str,
    tenant: str,
    segment: str,
    local: bool,
    model: str,
    because: str,
    person: str,
    wait_s: float | None,
    json_: bool,
) -> int:
    """Kill a version, tenant or segment: it holds at once, with the ledger dead too.

    With --local nothing but the state directory is read; whoever gives the order is written down as claimed.
    """
    if not local:
        return _tighten(ctx, Named.KILLED, (model, version, tenant, segment), because, person, wait_s, json_)
    return _kill_local(ctx, (model, version, tenant, segment), because, person, wait_s, json_)


@click.command(short_help="Put one into the contract's safe mode.")
@scope_options
@click.option("--to-people", is_flag=True, help="Human review instead of the contract's safe mode.")
@because_option
@person
@wait_option
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
    wait_s: float | None,
    json_: bool,
) -> int:
    """Degrade a version, tenant or segment to the contract's safe mode."""
    posture = Named.HUMAN_REVIEW if to_people else Named.SAFE_MODE
    return _tighten(ctx, posture, ("", version, tenant, segment), because, person, wait_s, json_)


def _tighten(
    ctx: click.Context,
    posture: Named,
    place: tuple[str, str, str, str],
    because: str,
    person: str,
    wait_s: float | None,
    json_: bool,
) -> int:
    from shipworthy.flows.tighten import record, trip
    from shipworthy.store.replicas import acknowledged

    here = workspace(ctx)
    tripped = trip(here, scope_of(ctx, place), posture, because, person)
    seen = acknowledged(here.home, tripped.epoch, tripped.since_ns, _patience(wait_s))
    unrecorded = record(here, tripped, seen)
    if unrecorded:
        progress(f"it holds and waits in the journal; the ledger cannot be written now: {unrecorded}")
    return _tell(here.home, tripped.held, tripped.epoch, seen, not unrecorded, wait_s, json_)


def _kill_local(
    ctx: click.Context, place: tuple[str, str, str, str], because: str, person: str, wait_s: float | None, json_: bool
) -> int:
    """As little as possible is imported here: what is not loaded cannot be broken."""
    from datetime import UTC, datetime

    from shipworthy.flows.kill_local import kill_local
    from shipworthy.store.replicas import acknowledged

    given = ctx.find_root().obj
    now = given["clock"]() if given["clock"] else datetime.now(UTC)
    model, version, tenant, segment = place
    # Never the name in some folder's contract: a state directory is of one model, and this may be another's folder.
    scope = Scope(model=model or "*", version=version, tenant=tenant, segment=segment)
    held, epoch, since_ns = kill_local(given["home"], scope, because, person, now)
    seen = acknowledged(given["home"], epoch, since_ns, _patience(wait_s))
    return _tell(given["home"], held, epoch, seen, False, wait_s, json_)


def _patience(wait_s: float | None) -> float:
    return ACKNOWLEDGED_WITHIN_S if wait_s is None else wait_s


def _tell(
    home: Path, held: Held, epoch: int, seen: Sequence[Replica], recorded: bool, wait_s: float | None, json_: bool
) -> int:
    """Print the order, each replica, whether all of them answer by it, and what speaks against it having been meant."""
    from shipworthy.flows.given_order import misses, unread

    broken, missed = unread(home, held), misses(home, held.order.scope)
    for line in missed:
        progress(click.style(f"WARNING: {line}", fg="yellow"))
    all_ = any(one.alive for one in seen) and not any(one.silent for one in seen)
    told = {"order": held, "epoch": epoch, "recorded": recorded, "acknowledged": all_, "replicas": list(seen)}
    told |= {"warnings": [*([broken] if broken else []), *missed]}
    scope = held.order.scope
    where = f"version {scope.version}, tenant {scope.tenant}, segment {scope.segment}"
    head = f"{held.order.id}: {held.order.posture.value} on {where}"
    result(json_, told, "\n".join([head, *(_line(one) for one in seen), _verdict(seen, epoch, broken)]))
    return 0 if all_ or wait_s is None else 4


def _line(one: Replica) -> str:
    took = "it began later" if one.took_ms is None else f"{one.took_ms:.1f} ms"
    state = {
        "answers": took,
        "behind": f"SILENT, at epoch {one.epoch}",
        "stopped": f"STOPPED, at epoch {one.epoch}",
        "ended": "ended without a word: it answers nobody",
    }[one.state]
    return f"  {one.name} ({one.pid}): {state}"


def _verdict(seen: Sequence[Replica], epoch: int, broken: str) -> str:
    holds = f"the order is in the journal, and what holds cannot be read ({broken})" if broken else "the order holds"
    silent = [one.name for one in seen if one.silent]
    living = [one for one in seen if one.alive]
    if silent:
        told = f"NOT ACKNOWLEDGED by {', '.join(silent)}; {holds}: look at these processes"
        return click.style(told, fg="red")
    if not living:
        return f"no gateway answers on this host; {holds} for whichever begins"
    slowest = max((one.took_ms for one in living if one.took_ms is not None), default=0.0)
    who = "the one replica" if len(living) == 1 else f"all {counted(len(living), 'replica')}"
    return f"{who} answered by epoch {epoch} within {slowest:.1f} ms"
