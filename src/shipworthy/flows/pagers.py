"""Look at a site's pagers: who they are, what each of them answers, and what is owed to whom.

In: the file that lists them, or a site. Out: plain values. Nothing secret is told: neither keys, nor addresses that
hold one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Severity
from shipworthy.flows.site_state import open_site
from shipworthy.respond.moments import told
from shipworthy.respond.pages.notices import ended
from shipworthy.respond.pages.page import Page, key_of
from shipworthy.runtime.paging.listed import Pager, read_pagers
from shipworthy.runtime.paging.outbox import KEPT_AS, Outbox, read_kept
from shipworthy.runtime.paging.post import WITHIN_S, Answer
from shipworthy.runtime.paging.speech import speak_to
from shipworthy.runtime.workspace import Workspace


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a pager answered to the test page."""

    name: str
    kind: str
    ok: bool
    answer: str


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One page that a pager has not taken yet."""

    pager: str
    key: str
    severity: str
    phase: str
    title: str
    since: str


def listed(path: Path) -> tuple[Pager, ...]:
    """Return the pagers of a file. Raises ContractError with every fault, CannotDecide for a key that is open."""
    return read_pagers(path)


def test_page(model: str, now: datetime) -> Page:
    """Return the page that tests a pager: the mildest there is."""
    return Page(
        key=key_of(model, "*", "test"),
        kind="pager.tested",
        severity=Severity.SEV4,
        title=f"{model}: this is a test",
        because="somebody ran `shipworthy pagers test`",
        model=model,
        slo="test",
        at=told(now),
        confirm="Confirm that this page came to whoever is on call.",
        command="shipworthy pagers list --pagers FILE",
    )


def try_all(
    path: Path, model: str, name: str | None, clock: Callable[[], datetime], within_s: float = WITHIN_S
) -> tuple[Tested, ...]:
    """Send the test page to every pager, or to one by name; return what each answered.

    Raises UsageError for a name that none has.
    """
    pagers = [one for one in read_pagers(path) if name in (None, one.name)]
    if not pagers:
        raise UsageError(f"no pager {name!r}" if name else "no pagers", str(path), "see `shipworthy pagers list`")
    return asyncio.run(_try(pagers, test_page(model, clock()), clock, within_s))


def owed(workspace: Workspace) -> tuple[Owed, ...]:
    """Return what the site owes to the pagers that it served with last, the worst first."""
    with open_site(workspace) as authority:
        raw = authority.store.get(KEPT_AS)
    try:
        kept = read_kept(raw)
    except ValueError as problem:
        raise CannotDecide("the outbox cannot be read", KEPT_AS, "serve again: what fires is sent anew") from problem
    box = Outbox(kept, kept.hears)
    return tuple(
        Owed(
            pager=name,
            key=page.key,
            severity=page.severity.value,
            phase=page.phase.value,
            title=page.title,
            since=page.at,
        )
        for name in sorted(kept.hears)
        for page in box.owed(name)
    )


async def _try(
    pagers: Sequence[Pager], page: Page, clock: Callable[[], datetime], within_s: float
) -> tuple[Tested, ...]:
    answers = await asyncio.gather(*(_told_one(one, page, clock, within_s) for one in pagers))
    return tuple(
        Tested(name=one.name, kind=one.kind, ok=answer.taken, answer=answer.told)
        for one, answer in zip(pagers, answers, strict=True)
    )


async def _told_one(pager: Pager, page: Page, clock: Callable[[], datetime], within_s: float) -> Answer:
    """Send the page; end it at once where somebody would have to."""
    speak = speak_to(pager, clock, within_s)
    answer = await speak(page, None)
    if answer.taken and pager.kind in ("pagerduty", "alertmanager"):
        await speak(ended(page, clock()), page)
    return answer
