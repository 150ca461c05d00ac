"""What an override may cover, as a closed list: everything that is not named here stands.

In: a verdict, the policy and cases it was given on, and the lock of the release before. Out: the red rows by name, and
a reason for each one that no two people may let through. Never events, unsafe artefacts, wrong signatures, problems of
the contract, of its lock or of the evidence, and every loosening but that of an SLO or case listed here: refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract.lock import Lock
from shipworthy.facts import Block, Case, Decision, Judgement, Outcome, Policy, Verdict

INDICATORS = frozenset(
    {"ood_recall", "ood_recall_structural", "ood_false_alarm", "drift_excess", "prediction_drift", "decision_ece"}
    | {"error_rate", "auroc", "case_pass_rate", "feasible_flip_rate", "auto_error_rate", "review_rate"}
    | {"subgroup_gap", "text_flip_rate", "proxy_auc", "membership_tpr", "extraction_fidelity", "contract_strength"}
)
CASE_KINDS = frozenset({"tail", "shift", "metamorphic", "adversarial", "detector", "bias", "privacy"})
LOOSENED = "loosened"  # the one kind of hard block that is about the bar and not about what stands before it
BASELINE, CASE = " vs baseline", "case:"


def red_rows(verdict: Verdict) -> tuple[str, ...]:
    """Return the names of all that keeps a verdict from `ship`, sorted: deciding rows that are not met, and blocks."""
    rows = {_row(one) for one in _red(verdict)} | {_block(one) for one in verdict.blocks}
    return tuple(sorted(rows))


def refusals(verdict: Verdict, policy: Policy, cases: Iterable[Case], lock: Lock | None) -> tuple[str, ...]:
    """Return why this verdict cannot be overridden, one reason a red row; none when two people may."""
    if verdict.decision is Decision.SHIP:
        return ("nothing is red: it ships without an override",)
    if lock is None:
        return ("a first release: no shipped contract says who may, and no baseline is there to go back to",)
    if not red_rows(verdict):
        return ("no red row says what would be overridden",)
    by_id = {case.id: case for case in cases}
    shipped = {case.id: case.kind for case in lock.pack}
    rows = [_judgement_refused(one, policy, by_id, shipped) for one in _red(verdict)]
    blocks = [_block_refused(one, lock, by_id) for one in verdict.blocks]
    return tuple(dict.fromkeys(reason for reason in (*rows, *blocks) if reason))


def _red(verdict: Verdict) -> list[Judgement]:
    return [one for one in verdict.judgements if one.here and not one.trial and one.outcome is not Outcome.MET]


def _row(one: Judgement) -> str:
    return f"{one.slo} on {one.segment}"


def _block(one: Block) -> str:
    return f"{one.name}: {one.because}"


def _judgement_refused(one: Judgement, policy: Policy, cases: dict[str, Case], shipped: dict[str, str]) -> str:
    name = one.slo.removesuffix(BASELINE)
    kind = shipped.get(name.removeprefix(CASE), "tail") if name.startswith(CASE) else "tail"
    if kind not in CASE_KINDS:
        return f"{name}: shipped as a {kind} case, which is never overridden"
    if name.startswith(CASE):
        return _case_refused(cases.get(name.removeprefix(CASE)), name)
    return _slo_refused(policy, name)


def _slo_refused(policy: Policy, name: str) -> str:
    indicator = next((slo.indicator for slo in policy.slos if slo.name == name), "")
    return "" if indicator in INDICATORS else f"{name}: {indicator or 'unknown'} is never overridden"


def _case_refused(case: Case | None, name: str) -> str:
    if case is None:
        return f"{name}: not in the pack any more"
    if case.kind not in CASE_KINDS:
        return f"{name}: a {case.kind} case is never overridden"
    metric = case.oracle.metric
    return "" if metric is None or metric in INDICATORS else f"{name}: {metric} is never overridden"


def _block_refused(block: Block, lock: Lock, cases: dict[str, Case]) -> str:
    """A loosening may pass for a while when it is one of an SLO or case that may; its old meaning counts as well."""
    if block.name != LOOSENED:
        return f"{_block(block)}: cannot be overridden — {block.fix}"
    kind, _, rest = block.because.partition(" ")
    name, told, _ = rest.partition(": ")
    if kind == "slo" and told:
        return _slo_refused(lock.policy, name)
    if kind == "case" and told:
        metric = next((old.oracle.metric for old in lock.pack if old.id == name), "")
        if metric is not None and metric not in INDICATORS:
            return f"{CASE}{name}: {metric or 'unknown'} is never overridden"
        return _case_refused(cases.get(name), f"{CASE}{name}")
    return f"{_block(block)}: cannot be overridden — {block.fix}"
