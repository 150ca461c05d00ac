"""The release verdict: Subject + Policy + Evidence + baseline → ship, blocked or undecided.

Pure: every report, exit code and attestation is derived from the one `Verdict` made here. The gate ships only what is
proven good; nothing missing, stale, thin or unexplained is ever green.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipworthy.decide import Place, decide, is_judged, judge_case
from shipworthy.facts import (
    Block,
    Case,
    CaseResult,
    Decision,
    Digest,
    Evidence,
    Judgement,
    Outcome,
    Policy,
    Subject,
    Verdict,
)
from shipworthy.gate.baseline import compare
from shipworthy.gate.recompute import case_mismatches, mismatches

_EXIT_ORDER = (3, 1, 4)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """All that a verdict is given on. `baseline` is the artefact digest of the last shipped version, None at first.

    `shipped`: this very subject is the one that shipped last, so there is nothing to compare it with.
    `loosened` are the named rows of the loosening diff that no signed decision covers, `covers` the digest that one
    would have to name; `blocks` are hard blocks found
    elsewhere (note, signature, scan, recorded do-not-deploy).
    """

    subject: Subject
    policy: Policy
    cases: tuple[Case, ...]
    evidence: Evidence | None
    baseline: Digest | None
    shipped: bool = False
    loosened: tuple[str, ...] = ()
    covers: Digest = ""
    allowed_changes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()
    not_claimed: tuple[str, ...] = ()


def give_verdict(question: Question) -> Verdict:
    """Return the verdict on a release."""
    unclear = [*_asks_nothing(question.policy), *(_told_twice(question.evidence) if question.evidence else ())]
    blocks = [*question.blocks, *_loosening_blocks(question.loosened, question.covers), *_evidence_blocks(question)]
    blocks += unclear
    judgements = _judgements(question) if question.evidence is not None and not unclear else ()
    return Verdict(
        subject=question.subject,
        baseline=question.baseline,
        judgements=judgements,
        decision=_decision(judgements, blocks),
        first=question.baseline is None,
        policy_changes=(*question.loosened, *question.allowed_changes),
        blocks=tuple(blocks),
        warnings=question.warnings,
        not_claimed=question.not_claimed,
    )


def exit_code(verdict: Verdict) -> int:
    """Return 0 ship · 1 the policy says no · 3 the contract is invalid · 4 cannot decide."""
    if verdict.decision is Decision.SHIP:
        return 0
    codes = {block.exit_code for block in verdict.blocks}
    if any(_decides(one) and one.outcome is Outcome.BREACHED for one in verdict.judgements):
        codes.add(1)
    return next((code for code in _EXIT_ORDER if code in codes), 4)


def _judgements(question: Question) -> tuple[Judgement, ...]:
    evidence = question.evidence
    if evidence is None:
        return ()
    results = {result.case: result for result in evidence.cases}
    slos = decide(question.policy, evidence.measurements)
    against: tuple[Judgement, ...] = ()
    if question.baseline is not None and not question.shipped:
        against = compare(question.policy, evidence.measurements, question.baseline)
    return (*slos, *against, *(_case(case, results.get(case.id)) for case in question.cases))


def _case(case: Case, result: CaseResult | None) -> Judgement:
    trial = case.severity == "minor" or case.trial
    if result is None:
        return Judgement(
            slo=f"case:{case.id}", segment="*", outcome=Outcome.NO_DATA, because="did not run", trial=trial
        )
    return msgspec.structs.replace(judge_case(result), trial=trial)


def _decision(judgements: Iterable[Judgement], blocks: Iterable[Block]) -> Decision:
    outcomes = {one.outcome for one in judgements if _decides(one)}
    codes = {block.exit_code for block in blocks}
    if Outcome.BREACHED in outcomes or codes & {1, 3}:
        return Decision.BLOCKED
    if codes or outcomes != {Outcome.MET}:
        return Decision.UNDECIDED
    return Decision.SHIP


def _decides(one: Judgement) -> bool:
    return one.here and not one.trial


def _loosening_blocks(rows: tuple[str, ...], covers: Digest) -> list[Block]:
    return [
        Block(
            name="loosened",
            because=row,
            fix="two people of the last shipped contract: `shipworthy decide allow --role reviewer`, then `--role ml`"
            f" (covers {covers})",
            exit_code=1,
        )
        for row in rows
    ]


def _evidence_blocks(question: Question) -> list[Block]:
    evidence = question.evidence
    if evidence is None:
        return [_cannot("evidence", "there is none for this artefact", "run `shipworthy evaluate`")]
    blocks = [
        _cannot("evidence", f"made for another {field}", "run `shipworthy evaluate` again")
        for field in Subject.__struct_fields__
        if getattr(evidence.subject, field) != getattr(question.subject, field)
    ]
    requested, executed = evidence.coverage.requested, evidence.coverage.executed
    missing = set(requested) - set(executed)
    if sorted(requested) != sorted(executed):
        blocks.append(_cannot("coverage", *_not_run(missing, evidence.cases)))
    wrong = (*mismatches(evidence.measurements), *case_mismatches(evidence.cases, question.cases))
    return blocks + [_cannot("evidence", told, "the evidence was altered or made by another tool") for told in wrong]


def _not_run(missing: set[str], cases: tuple[CaseResult, ...]) -> tuple[str, str]:
    """What did not run to its end, with the reason where a case gave one, and what to do."""
    why = {one.case: one.because for one in cases if one.status in ("error", "skipped")}
    told = [f"{name} ({why[name]})" if name in why else name for name in sorted(missing)]
    fix = "mend the case, then `shipworthy evaluate`" if why.keys() & missing else "run `shipworthy evaluate`"
    return f"did not run: {', '.join(told)}", fix


def _asks_nothing(policy: Policy) -> list[Block]:
    """A policy of which nothing decides here cannot be met."""
    if any(is_judged(slo, Place.GATE) and not slo.trial for slo in policy.slos):
        return []
    fix = "add an SLO that is measured offline and is not on trial"
    return [Block(name="policy", because="nothing in it decides at the gate", fix=fix, exit_code=3)]


def _told_twice(evidence: Evidence) -> list[Block]:
    """Of two results for one thing nobody can say which is meant."""
    numbers = [
        (
            one.indicator,
            one.segment,
            one.quantile,
            one.part,
            one.source,
            one.origin and (one.origin.slo, one.origin.format),
        )
        for one in evidence.measurements
    ]
    cases = [one.case for one in evidence.cases]
    twice = [f"{one[0]} on {one[1]}" for one in dict.fromkeys(numbers) if numbers.count(one) > 1]
    twice += [f"case {one}" for one in dict.fromkeys(cases) if cases.count(one) > 1]
    return [_cannot("evidence", f"{one} is there twice", "run `shipworthy evaluate`") for one in twice]


def _cannot(name: str, because: str, fix: str) -> Block:
    return Block(name=name, because=because, fix=fix, exit_code=4)
