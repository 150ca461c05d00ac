"""Loosening of the escalation path: at high stakes a path that is gone, slower or shorter.

In: `on_call` of the lock and of the manifest now. Out: rows. Who stands on a step may change with the people; how soon
somebody is called, and how many are, may not get worse unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.contract.on_call import OnCall, seconds
from shipworthy.facts import Severity


def on_call_rows(old: OnCall | None, new: OnCall | None) -> Iterator[str]:
    """Yield a row per severity whose path is slower or shorter than before."""
    if old is None:
        return
    if new is None:
        yield "on_call: removed"
        return
    for severity in Severity:
        before, after = old.ladder(severity).escalation, new.ladder(severity).escalation
        if len(after) < len(before):
            yield f"on_call {severity.value}: {len(before)} steps of escalation → {len(after)}"
        for step, (was, is_) in enumerate(zip(before, after, strict=False), 1):
            if seconds(is_.after) > seconds(was.after):
                yield f"on_call {severity.value}: step {step} after {was.after} → {is_.after}"
