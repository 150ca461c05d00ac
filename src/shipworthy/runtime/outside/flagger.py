"""The answers to Flagger's webhooks: `POST /hooks/flagger/{type}`.

In: what stands now, the type of hook and its body. Out: a status and the reason, which Flagger copies into the events
of the canary. Flagger passes a hook at 200 to 202 and at nothing else, and reads `rollback` the other way round: there
200 means "roll back now". So a hook that lets something through says 200 only when it is shown, and `rollback` says 200
only when there is something to roll back from, at whatever point of its way Flagger asks.

Source: fluxcd/flagger pkg/controller/webhook.go (status above 202 is an error) and docs/gitbook/usage/webhooks.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from shipworthy.facts import RolloutState
from shipworthy.runtime.outside.seen import Seen
from shipworthy.runtime.outside.verdict import Verdict

Answer = tuple[int, str]
YES, NO = 200, 409
FAILED = "Failed"  # the phase in which Flagger has rolled back


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a hook. What else it holds is not ours: later versions may add to it."""

    name: str = ""
    namespace: str = ""
    phase: str = ""
    checksum: str = ""
    metadata: dict[str, str] = {}


def read_hook(raw: bytes) -> Hook:
    """Return the body of a hook. Raises ValueError (msgspec.DecodeError) when it is none."""
    return msgspec.json.decode(raw, type=Hook)


def hook_answer(seen: Seen, kind: str, hook: Hook) -> Answer:
    """Return status and reason. 404 for an unknown type or a rollout that is not this one's: neither passes."""
    known = HOOKS.get(kind)
    if known is None:
        return 404, f"no such hook: {kind}"
    model, revision = hook.metadata.get("model", seen.model), hook.metadata.get("revision", "")
    if model != seen.model:
        return 404, f"no model {model!r} here: this is {seen.model}"
    rollout = seen.rollout
    if rollout is None or (revision and revision != rollout.version):
        return 404, f"no rollout of {revision!r}" if revision else "no rollout"
    return known(seen, rollout, seen.verdict(rollout))


def announces_end(kind: str, hook: Hook) -> bool:
    """True when Flagger tells that it has rolled back: ours has to end too, if the caller may say so."""
    return kind == "event" and hook.phase == FAILED


def _may_start(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    under_way = rollout.status == "running" and verdict.verdict != "fail" and not seen.closed
    return (YES if under_way else NO), f"{rollout.id} is {rollout.status}; {_reason(seen, verdict)}"


def _is_ready(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    if not seen.serving:
        return NO, f"version {rollout.version} is not loaded"
    return _may_start(seen, rollout, verdict)


def _is_shown(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    shown = verdict.verdict == "pass" and not seen.closed
    return (YES if shown else NO), f"{verdict.verdict}: {_reason(seen, verdict)}"


def _may_promote(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    if rollout.status != "completed" and rollout.stage + 1 < len(seen.stages):
        return NO, f"stage {rollout.stage + 1} of {len(seen.stages)}: {_reason(seen, verdict)}"
    return _is_shown(seen, rollout, verdict)


def _must_end(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    """The other way round: yes is "roll back now"."""
    bad = verdict.verdict == "fail" or seen.closed
    return (YES if bad else NO), f"{'roll back' if bad else 'no breach'}: {_reason(seen, verdict)}"


def _heard(seen: Seen, rollout: RolloutState, verdict: Verdict) -> Answer:
    """What is only told: it lets nothing through."""
    return YES, f"{rollout.id} is {rollout.status}; {_reason(seen, verdict)}"


def _reason(seen: Seen, verdict: Verdict) -> str:
    return "; ".join(["the version is closed by an order"] * seen.closed + list(verdict.reasons))


HOOKS: Final[dict[str, Callable[[Seen, RolloutState, Verdict], Answer]]] = {
    "confirm-rollout": _may_start,
    "pre-rollout": _is_ready,
    "rollout": _is_shown,
    "confirm-traffic-increase": _is_shown,
    "confirm-promotion": _may_promote,
    "post-rollout": _heard,
    "rollback": _must_end,
    "event": _heard,
}


def body_of(answer: Answer) -> dict[str, Any]:
    """Return the body: one line that Flagger writes into an event."""
    return {"reason": answer[1]}
