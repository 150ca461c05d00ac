"""Pages from single ledger entries: what happened once, and is told for a while.

In: an entry. Out: a page that fires for four hours, or the end of one, or None for an entry that pages nobody. Entries
are read as far as they fit: one that says less than is hoped for still pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from shipworthy.contract.on_call import OnCall
from shipworthy.facts import Entry, Severity
from shipworthy.respond.moments import later, moment, told
from shipworthy.respond.pages.owed import runbook_of
from shipworthy.respond.pages.page import MOST_TITLE, Page, Phase, clip, key_of, line
from shipworthy.respond.postures import MACHINE

LASTS_S: Final = 4 * 3600.0
_Told = tuple[str, str, Severity, str, str, str]  # kind, slo, severity, what, confirm, command


def notice(entry: Entry, model: str, on_call: OnCall | None = None) -> Page | None:
    """Return the page of an entry: firing, or resolved when the entry says that what fired before is well again."""
    maker = _MAKERS.get(entry.kind)
    made = None if maker is None else maker(entry)
    if made is None:
        return None
    kind, slo, severity, what, confirm, command = made
    page = Page(
        key=key_of(model, "*", slo),
        kind=kind,
        severity=severity,
        title=clip(line(f"{model}: {what}"), MOST_TITLE),
        because=line(_because(entry)),
        model=model,
        slo=slo,
        at=entry.at,
        confirm=confirm,
        command=line(command),
        runbook=runbook_of(on_call, severity),
        entry=entry.seq if kind in _EACH else -1,
    )
    return replace(page, phase=Phase.RESOLVED, ended=entry.at) if entry.kind in _DRILLS and _passed(entry) else page


def is_over(page: Page, now: datetime) -> bool:
    """True when a notice has been told for long enough. One whose time cannot be read goes on."""
    try:
        return page.phase is Phase.RESOLVED or later(moment(page.at), LASTS_S) <= now
    except ValueError:
        return False


def ended(page: Page, now: datetime) -> Page:
    """Return the page as it ends now."""
    return page if page.phase is Phase.RESOLVED else replace(page, phase=Phase.RESOLVED, ended=told(now))


def _expired(entry: Entry) -> _Told:
    n = entry.body.get("n")
    what = f"{n} reviews were not answered in time" if isinstance(n, int) else "a review was not answered in time"
    confirm = "Confirm that people are there who answer reviews."
    return "review.expired", "review_queue", Severity.SEV3, what, confirm, "shipworthy review-queue list"


def _drilled(entry: Entry) -> _Told:
    which = _text(entry.body, "kind", "drill") or "drill"
    what = f"drill {which} {'passed' if _passed(entry) else 'FAILED'}"
    confirm = f"Confirm that {which} works: somebody repeats the drill."
    return "drill.completed", f"drill:{which}", Severity.SEV2, what, confirm, "shipworthy drill list"


def _due(entry: Entry) -> _Told:
    which = _text(entry.body, "drill") or "drill"
    confirm = f"Confirm that somebody practises: no {which} drill has passed for too long."
    return (
        "drill.due",
        f"drill_due:{which}",
        Severity.SEV3,
        f"a {which} drill is due",
        confirm,
        "shipworthy drill schedule",
    )


def _overridden(entry: Entry) -> _Told:
    override = entry.body.get("override")
    inner = override.get("override", override) if isinstance(override, Mapping) else entry.body
    name = _text(inner, "id") if isinstance(inner, Mapping) else ""
    confirm = "Confirm that the compensating control of this override is in place."
    return (
        "bypass.used",
        _one_of("override", name),
        Severity.SEV3,
        f"override {name} let a release out",
        confirm,
        "shipworthy status",
    )


def _rolled_back(entry: Entry) -> _Told | None:
    if entry.actor != MACHINE:
        return None
    version, which = _rolled(entry)
    confirm = f"Confirm that the baseline answers for version {version}."
    what = f"version {version} was rolled back"
    return "rollout.rolled_back", _one_of("rollout", which), Severity.SEV3, what, confirm, "shipworthy rollout status"


def _advanced(entry: Entry) -> _Told | None:
    version, which = _rolled(entry)
    confirm = f"Nothing to confirm: version {version} has shown what its stage asked for."
    what = f"version {version} went to its next stage"
    return "rollout.advanced", _one_of("stage", which), Severity.SEV4, what, confirm, "shipworthy rollout status"


def _rolled(entry: Entry) -> tuple[str, str]:
    """Return the version, and the rollout by its id, where it has none by the version."""
    rollout = entry.body.get("rollout")
    if not isinstance(rollout, Mapping):
        return "", ""
    return _text(rollout, "version"), _text(rollout, "id", "version")


def _one_of(kind: str, name: str) -> str:
    """Return what names one event of a kind: another one is another page, while this one still fires."""
    return f"{kind}:{name}" if name else kind


def _passed(entry: Entry) -> bool:
    """A drill passed when its entry says so and nothing in it says otherwise."""
    inner = entry.body.get("drill")
    told_of = {**entry.body, **(inner if isinstance(inner, Mapping) else {})}
    said = [told_of[name] for name in ("passed", "ok", "verdict", "outcome") if name in told_of]
    return bool(said) and all(one in (True, "passed", "pass", "met", "ok") for one in said)


def _because(entry: Entry) -> str:
    inner = entry.body.get("drill")
    return _text(entry.body, "because", "reason") or (_text(inner, "because") if isinstance(inner, Mapping) else "")


def _text(body: Mapping[str, Any], *names: str) -> str:
    for name in names:
        found = body.get(name)
        if isinstance(found, Mapping):
            found = found.get("kind") or found.get("id")
        if isinstance(found, str) and found:
            return line(found)
    return ""


# Kinds of which each entry is an event of its own. Reviews that were not answered come in floods, and are one.
_EACH: Final = frozenset({"drill.completed", "bypass.used", "rollout.rolled_back", "rollout.advanced"})
_DRILLS: Final = frozenset({"respond.drilled"})
_MAKERS: Final[dict[str, Callable[[Entry], _Told | None]]] = {
    "respond.review_expired": _expired,
    "respond.drilled": _drilled,
    "respond.drill_due": _due,
    "gate.overridden": _overridden,
    "deploy.aborted": _rolled_back,
    "deploy.advanced": _advanced,
}
