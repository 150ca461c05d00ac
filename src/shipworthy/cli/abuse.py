"""`shipworthy abuse`: what callers did, under pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli.show import as_json, counted, result, workspace
from shipworthy.cli.words import PROSE

if TYPE_CHECKING:
    from shipworthy.flows.abuse import AbuseRead


@click.command(short_help="Read the abuse log, on record.")
@click.option("--since", default="7d", show_default=True, help="How far back, such as 7d.")
@click.option("--tenant", default=None, help="Only what was done under this tenant (default: any).")
@click.option("--address", default=None, help="Only what this address did; it is written nowhere.")
@click.option("--because", type=PROSE, required=True, help="Why you look: it stands in the ledger.")
@click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
@as_json
@click.pass_context
def abuse(
    ctx: click.Context, since: str, tenant: str | None, address: str | None, because: str, person: str, json_: bool
) -> None:
    """Print counts by kind, tenant, pseudonym, hour and segment; fewer than five events are never told.

    The read itself is in the ledger before anything is printed.
    """
    from shipworthy.flows.abuse import read

    told = read(workspace(ctx), person, because, since, tenant, address)
    result(json_, {"abuse": _plain(told)}, lambda: _text(told))


def _plain(told: AbuseRead) -> dict[str, Any]:
    """Return the rows as builtins, hours as text."""
    import msgspec

    from shipworthy.observe.minutes import hour_text

    plain: dict[str, Any] = msgspec.to_builtins(told)
    for row in plain["rows"]:
        row["hour"] = None if row["hour"] is None else hour_text(row["hour"])
    return plain


def _text(told: AbuseRead) -> str:
    from shipworthy.contract.problems import plainly
    from shipworthy.observe.minutes import hour_text

    lines = [f"{told.since} to {told.until}, {told.tenant or 'every tenant'}"]
    for row in told.rows:
        hour = "*" if row.hour is None else hour_text(row.hour)
        n = "<5" if row.n is None else str(row.n)
        where = plainly(f"{row.tenant:<12} {row.caller:<16} {hour:<15} {row.segment}")
        lines.append(f"{n:>7}  {row.kind.value:<15} {where}  {row.evidence}".rstrip())
    return "\n".join([*lines, counted(len(told.rows), "row")])
