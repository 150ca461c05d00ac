"""Read the abuse log: by name, for a reason, and on record before anything is seen.

In: a person, a reason, a range, perhaps a tenant or an address. Out: rows in which nothing rare is told. An operator, a
reviewer or security, of the contract that shipped, may read. An address is looked for by its pseudonyms: it is written
nowhere, and the ledger tells only that one was asked for.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.contract.words import on_one_line, unfit
from shipworthy.deploy.http.peer import caller_of
from shipworthy.errors import UsageError
from shipworthy.facts import AbuseCount
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.indicators import length_seconds
from shipworthy.observe.abuse import HOUR, first_kept
from shipworthy.observe.abuse_shown import Shown, shown
from shipworthy.observe.minutes import hour_text, minute_of, minutes_in
from shipworthy.observe.pseudonyms import period_end, pseudonym, tenant_key
from shipworthy.runtime.abuse_keys import opened
from shipworthy.runtime.workspace import Workspace

READ = "observe.abuse_read"
READERS = ("operator", "reviewer", "security")


class AbuseRead(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the hours from `since` to before `until`, such as `2027-01-04T09Z`, the largest first."""

    since: str
    until: str
    tenant: str | None
    rows: tuple[Shown, ...]


def read(
    workspace: Workspace,
    person: str,
    because: str,
    since: str = "7d",
    tenant: str | None = None,
    address: str | None = None,
) -> AbuseRead:
    """Read the log on record. `since` is such as `7d`; what has expired is deleted first.

    Raises UsageError for a reason that says nothing or a range that is none, PolicySaysNo without the role, and
    whatever the ledger has against the entry: then nothing is read.
    """
    because = _reason(because)
    length = _length(since)
    with open_site(workspace) as authority:
        contract = shipped_contract(workspace, authority)
        _may_read(contract, person)
        now = workspace.clock()
        kept = first_kept(minute_of(now), minutes_in(contract.manifest.kept("abuse_log")))
        first, end = max(kept, minute_of(now - length) // HOUR), minute_of(now) // HOUR + 1
        range_ = {"since": hour_text(first), "until": hour_text(end), "tenant": tenant or "*"}
        authority.note(person, READ, {**range_, "because": because, "address": address is not None})
        authority.store.expire_abuse(kept)
        counts = authority.store.abuse(first, end, tenant)
        if address is not None:
            secrets = opened(authority.store.abuse_keys(), workspace.site_key())
            counts = [one for one in counts if _is_of(one, caller_of(address), secrets.get(period_end(one.hour)))]
    return AbuseRead(since=hour_text(first), until=hour_text(end), tenant=tenant, rows=shown(counts))


def _reason(because: str) -> str:
    line = on_one_line(because)
    if not line or unfit(line):
        raise UsageError(unfit(line) or "no reason", "--because", "say why you look: it stands in the ledger")
    return line


def _length(since: str) -> timedelta:
    try:
        return timedelta(seconds=length_seconds(since))
    except ValueError as problem:
        raise UsageError(str(problem), "--since", "such as 7d") from problem


def _may_read(contract: Contract, person: str) -> None:
    if not set(READERS) & set(acting(contract, person).roles):
        acting(contract, person, READERS[0])


def _is_of(one: AbuseCount, caller: str, secret: bytes | None) -> bool:
    return secret is not None and one.caller == pseudonym(tenant_key(secret, one.tenant), caller)
