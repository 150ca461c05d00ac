"""What a verdict says in the words of attestations: tests by name, and the properties that truly hold.

In: a verdict and what else is known to be shown. Out: names. Nothing here decides; what is not shown is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipworthy.artifact.bundle import GATE_PASSED
from shipworthy.contract import note
from shipworthy.facts import Decision, Judgement, Outcome, Verdict

SLO_GREEN = "SHIPWORTHY_SLO_GREEN"
CASES_GREEN = "SHIPWORTHY_CASES_GREEN"
NOTE_PRESENT = "SHIPWORTHY_NOTE_PRESENT"
SIGNED = "SHIPWORTHY_SIGNED"
NOT_LOOSENED = "SHIPWORTHY_NOT_LOOSENED"
PROVENANCE_PRESENT = "SHIPWORTHY_PROVENANCE_PRESENT"
BUILT_OFFLINE = "SHIPWORTHY_BUILT_OFFLINE"
SAME_BITS = "SHIPWORTHY_SAME_BITS"
_CASE = "case:"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Tests by what became of them. What was not judged at the gate is in none of the three."""

    passed: tuple[str, ...]
    warned: tuple[str, ...]
    failed: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the verdict: provenance of this artefact, whether its build was fenced, a rebuild."""

    provenance: bool
    offline: bool
    same_bits: bool


def names(verdict: Verdict) -> Names:
    """Return the tests of a verdict: judgements as `slo` or `slo [segment]`, blocks as `block:<name>`.

    What decides and is not met has failed, whether it was breached or could not be told; on trial it only warns.
    """
    here = [one for one in verdict.judgements if one.here]
    return Names(
        passed=tuple(_name(one) for one in here if one.outcome is Outcome.MET),
        warned=tuple(_name(one) for one in here if one.outcome is not Outcome.MET and one.trial),
        failed=(
            *(_name(one) for one in here if one.outcome is not Outcome.MET and not one.trial),
            *(f"block:{block.name}" for block in verdict.blocks),
        ),
    )


def properties(verdict: Verdict, shown: Shown) -> tuple[str, ...]:
    """Return the properties that hold of the subject, sorted."""
    blocked = {block.name for block in verdict.blocks}
    slos = [one for one in verdict.judgements if not one.slo.startswith(_CASE)]
    cases = [one for one in verdict.judgements if one.slo.startswith(_CASE)]
    held = {
        GATE_PASSED: verdict.decision is Decision.SHIP,
        SLO_GREEN: _green(slos) and not blocked & {"evidence", "coverage"},
        CASES_GREEN: _green(cases) and not blocked & {"evidence", "coverage"},
        NOTE_PRESENT: not any(_of_note(block.name, block.because) for block in verdict.blocks),
        SIGNED: "signature" not in blocked,
        NOT_LOOSENED: not verdict.first and not verdict.policy_changes,
        PROVENANCE_PRESENT: shown.provenance and "provenance" not in blocked,
        BUILT_OFFLINE: shown.provenance and shown.offline and "provenance" not in blocked,
        SAME_BITS: shown.same_bits,
    }
    return tuple(sorted(name for name, holds in held.items() if holds))


def _green(judgements: Iterable[Judgement]) -> bool:
    """True when something decides, and all that decides is met."""
    return {one.outcome for one in judgements if one.here and not one.trial} == {Outcome.MET}


def _of_note(name: str, because: str) -> bool:
    return name == "contract" and because.startswith(f"{note.FILE}:")


def _name(one: Judgement) -> str:
    return one.slo if one.segment == "*" else f"{one.slo} [{one.segment}]"
