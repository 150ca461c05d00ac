"""What leaves: the one function the gateway and the in-process guard share.

In: a release, the model's score (and decision, if it makes one itself), the OOD score, the thresholds of the row's
bucket, and the postures that hold. Out: the answer. Each step after the model's own choice may only take a machine
decision away; nothing here can hand one out that the model and its thresholds did not make.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from shipworthy.deploy.limits import UNLIMITED, Limited, bound_of
from shipworthy.deploy.release import Cut, Ood, Release
from shipworthy.facts import NORMAL, Decider, Fact, Posture, Source

MACHINE = "machine"
PERSON = "person"
REFUSED = "refused"
_NO_THRESHOLDS, _CROSS, _BETWEEN = ("no_thresholds",), ("thresholds_cross",), ("between_thresholds",)
_TO_DENY, _FROM_APPROVE = ("to_deny",), ("from_approve",)


class Answer(Fact, frozen=True, kw_only=True):
    """What leaves. `route`: `machine`, `person` (then `decision` is the review word) or `refused` (then it is "").

    `suggestion` is for the reviewer only. `violated` and `unknown` name never events that were true or could not be
    told. `failed`: no usable score came back.
    """

    decision: str
    route: str
    score: float | None = None
    uncertainty: float | None = None
    why: tuple[str, ...] = ()
    suggestion: str | None = None
    violated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    leaked: bool = False
    failed: bool = False


class _Draft(NamedTuple):
    decision: str
    route: str
    why: tuple[str, ...]
    suggestion: str | None = None
    failed: bool = False


def usable(score: float | None) -> bool:
    """True for a finite number in [0, 1]."""
    return score is not None and 0.0 <= score <= 1.0  # NaN compares false


def answer(
    release: Release,
    *,
    score: float | None,
    own: str | None = None,
    ood: Ood,
    cut: Cut | None = None,
    uncertainty: float | None = None,
    posture: Posture = NORMAL,
    limited: Limited = UNLIMITED,
    fields: dict[str, Any],
) -> Answer:
    """Return what leaves. `own`: the model's own decision; `fields`: named values for the never events, which are
    filled in here with what was decided."""
    bound = bound_of(posture, limited)
    if bound.source is Source.NONE:
        score, own, uncertainty = None, None, None
        draft = _without_model(release, bound, "no_source")
    elif score is None or not 0.0 <= score <= 1.0:
        score, own, uncertainty = None, None, None
        draft = _without_model(release, bound, "model_failed")
    else:
        chosen = _own(release, own) if own is not None else _choose(release, score, cut)
        if chosen.route == MACHINE:
            chosen = _abstained(release, chosen, ood, uncertainty)
        draft = chosen if bound.decider is Decider.MACHINE else _bounded(release, chosen, bound)
    if posture is not NORMAL or limited is not UNLIMITED:
        draft = draft._replace(why=draft.why + _reasons(posture, limited))
    if not release.never:
        return _told(draft, score, uncertainty)
    fields["score"], fields["uncertainty"] = score, uncertainty
    return _checked(release, draft, own, bound, fields)


def _without_model(release: Release, bound: Posture, why: str) -> _Draft:
    """Nobody computed: a person decides if the posture or the fallback names one; else nobody does."""
    failed = why == "model_failed"
    by_person = bound.decider is not Decider.NOBODY if not failed else _person_after_failure(release, bound)
    if by_person:
        return _Draft(release.words.review, PERSON, (why,), failed=failed)
    return _Draft("", REFUSED, (why,), failed=failed)


def _person_after_failure(release: Release, bound: Posture) -> bool:
    return bound.decider is Decider.PERSON or (bound.decider is Decider.MACHINE and release.person_on_failure)


def _own(release: Release, own: str) -> _Draft:
    """The model decided itself: with a word the contract does not know, a person decides."""
    words = release.words
    if own in (words.deny, words.approve):
        return _Draft(own, MACHINE, ("model_decided",))
    return _Draft(words.review, PERSON, ("model_decided" if own == words.review else "unknown_word",))


def _choose(release: Release, score: float, cut: Cut | None) -> _Draft:
    """The thresholds decide, both edges included; without valid ones a person does."""
    words = release.words
    deny, approve = (cut.deny, cut.approve) if cut is not None else (None, None)
    valid = (deny is not None and math.isfinite(deny)) or (approve is not None and math.isfinite(approve))
    if not valid:
        return _Draft(words.review, PERSON, _NO_THRESHOLDS)
    denied = deny is not None and score <= deny
    approved = approve is not None and score >= approve
    if denied == approved:  # neither; or both, when thresholds cross and contradict each other
        return _Draft(words.review, PERSON, _CROSS if denied else _BETWEEN)
    return _Draft(words.deny, MACHINE, _TO_DENY) if denied else _Draft(words.approve, MACHINE, _FROM_APPROVE)


def _abstained(release: Release, draft: _Draft, ood: Ood, uncertainty: float | None) -> _Draft:
    """Turn a machine decision into review where the input or the model's uncertainty asks for it."""
    if ood.flag and ood.view in release.abstain_on:
        return _to_person(release, draft, f"ood:{ood.view}")
    limit = release.max_uncertainty
    if limit is None or draft.decision != release.words.deny:
        return draft
    certain = uncertainty is not None and uncertainty <= limit  # NaN compares false
    return draft if certain else _to_person(release, draft, "uncertain")


def _bounded(release: Release, draft: _Draft, bound: Posture) -> _Draft:
    if bound.decider is Decider.NOBODY:
        return draft._replace(decision="", route=REFUSED, suggestion=None)
    if bound.decider is Decider.PERSON and draft.route == MACHINE:
        return _to_person(release, draft)
    return draft


def _to_person(release: Release, draft: _Draft, *why: str) -> _Draft:
    return _Draft(release.words.review, PERSON, draft.why + why, suggestion=draft.decision, failed=draft.failed)


def _reasons(posture: Posture, limited: Limited) -> tuple[str, ...]:
    held = () if posture == NORMAL else (f"posture:{posture.source.value}/{posture.decider.value}",)
    return held + tuple(f"limit:{name}" for name in limited.names)


def _checked(release: Release, draft: _Draft, own: str | None, bound: Posture, fields: dict[str, Any]) -> Answer:
    """Ask the never events about the model's own decision and about what would leave."""
    score, uncertainty = fields["score"], fields["uncertainty"]
    if draft.suggestion is not None:
        draft = _suggestible(release, draft, fields)
    violated, unknown = _asked(release, _attempts(draft, own), fields)
    if not violated and not unknown:
        return _told(draft, score, uncertainty)
    draft = _withheld(release, draft, bound) if violated else _uncertain(release, draft)
    if draft.route == PERSON:
        more, _ = _asked(release, [(draft.decision, PERSON)], fields)
        violated += tuple(name for name in more if name not in violated)
        draft = _Draft("", REFUSED, draft.why, failed=draft.failed) if more else draft
    why = draft.why + tuple(f"never:{name}" for name in violated) + tuple(f"unknown:{name}" for name in unknown)
    return _told(draft._replace(why=why), score, uncertainty, violated, unknown)


def _told(
    draft: _Draft,
    score: float | None,
    uncertainty: float | None,
    violated: tuple[str, ...] = (),
    unknown: tuple[str, ...] = (),
) -> Answer:
    decision, route, why, suggestion, failed = draft
    return Answer(
        decision=decision,
        route=route,
        score=score,
        uncertainty=uncertainty,
        why=why,
        suggestion=suggestion,
        violated=violated,
        unknown=unknown,
        failed=failed,
    )


def _suggestible(release: Release, draft: _Draft, fields: dict[str, Any]) -> _Draft:
    """Drop a suggestion that could never have left. The platform itself held it back, so it was no attempt."""
    bad, untold = _asked(release, [(draft.suggestion or "", MACHINE)], fields)
    return draft._replace(suggestion=None) if bad or untold else draft


def _attempts(draft: _Draft, own: str | None) -> list[tuple[str, str]]:
    """What would leave, and what the model decided itself."""
    attempts = [] if draft.route == REFUSED else [(draft.decision, draft.route)]
    if own is not None and (own, MACHINE) not in attempts:
        attempts.append((own, MACHINE))
    return attempts


def _asked(
    release: Release, attempts: list[tuple[str, str]], fields: dict[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    violated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    for decision, route in attempts:
        fields["decision"], fields["route"] = decision, route
        true, untold = release.never.check(fields)
        if true or untold:
            violated += tuple(name for name in true if name not in violated)
            unknown += tuple(name for name in untold if name not in unknown)
    if unknown and violated:
        unknown = tuple(name for name in unknown if name not in violated)
    return violated, unknown


def _withheld(release: Release, draft: _Draft, bound: Posture) -> _Draft:
    """Give the fallback: a person if there is one for it, else nothing. The suggestion goes with the answer."""
    person = bound.decider is not Decider.NOBODY and (draft.route == PERSON or release.person_on_never)
    decision, route = (release.words.review, PERSON) if person else ("", REFUSED)
    return _Draft(decision, route, draft.why, failed=draft.failed)


def _uncertain(release: Release, draft: _Draft) -> _Draft:
    """What cannot be told to be safe goes to a person, without a suggestion."""
    if draft.route == REFUSED:
        return draft
    return _Draft(release.words.review, PERSON, draft.why, failed=draft.failed)
