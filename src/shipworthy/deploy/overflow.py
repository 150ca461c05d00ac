"""What is answered where a person was asked for and none can be: the queue is full, or did not take the request.

In: the answer that asked, and what held. Out: whether the fallback may answer, and the answers that leave. Never looser
than what asked for the person, and never the suggestion that nobody looked at.
"""

from __future__ import annotations

from msgspec.structs import replace

from shipworthy.deploy.answer import MACHINE, REFUSED, Answer
from shipworthy.deploy.release import Release
from shipworthy.deploy.routing import CANDIDATE
from shipworthy.facts import Decider, Named, Posture, Source, join, resolve

FULL, FAILED = "review_overflow", "queue_failed"


def overflow(ordered: Posture, fallback: str) -> Posture:
    """Return the posture of a request that no person can take.

    `ordered` is the join of orders and scope limits, without abstention. When they ask for a person, nobody answers;
    when only the model's own doubt did, the manifest's fallback answers, and again nobody if that is a person.
    """
    tight = join((ordered, resolve(Named.SAFE_MODE, fallback, None)))
    if tight.decider is Decider.MACHINE:
        return tight
    return Posture(source=Source.NONE, decider=Decider.NOBODY)


def may_fall_back(release: Release, arm: str, given: Answer, ordered: Posture) -> bool:
    """True where the baseline may answer in place of the person: the contract declares it, only the candidate's own
    doubt asked, and no never event was true or could not be told."""
    doubt = arm == CANDIDATE and not (given.violated or given.unknown or given.failed)
    fallback = release.fallback if release.overflow == "fallback" else "refuse"
    return doubt and overflow(ordered, fallback).decider is Decider.MACHINE


def fallen_back(given: Answer) -> Answer:
    """Return what leaves of the baseline's answer: a machine decision, else nothing; both say why they were made."""
    return replace(given, why=(*given.why, FULL)) if given.route == MACHINE else refused(given, FULL)


def refused(given: Answer, why: str) -> Answer:
    """Return the answer that nobody gives: one that says "a person will decide" while no person knows would be a lie.

    What never events said of it goes on being told.
    """
    return replace(given, decision="", route=REFUSED, why=(*given.why, why), suggestion=None, failed=True)
