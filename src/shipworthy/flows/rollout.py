"""Rollouts by hand: start a shipped version, look on, approve a stage, hold, abort. The plan decides what may be."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from shipworthy.artifact.approval import approve
from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Rollout
from shipworthy.decide import STALE_AFTER
from shipworthy.deploy import plan
from shipworthy.errors import CannotDecide, ContractError, PolicySaysNo, ShipworthyError, UsageError
from shipworthy.facts import Approval, Fact, Judgement, RolloutState, digest
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.respond.moments import moment
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.known import ADMITTED, baseline_contract, check_release, unpinned
from shipworthy.runtime.outside.verdict import Verdict, verdict_of
from shipworthy.runtime.releases import load, load_to_serve
from shipworthy.runtime.rolling import next_step
from shipworthy.runtime.standing import refuse
from shipworthy.runtime.workspace import Workspace

OPERATOR = "operator"
LOOK_EVERY_S = 2.0


def start(workspace: Workspace, version: str, person: str) -> RolloutState:
    """Start the first stage of a version that the gate passed, or that an override lets through for a while.

    Raises CannotDecide for a version that has not shipped or is not of this site, PolicySaysNo while another rollout
    runs, or when a decision stands against the version. What is let in and was not pinned by its lock is from then on.
    """
    there = workspace.versions()
    if version not in there:
        known = f"there are: {', '.join(there)}" if there else "`shipworthy ship` makes the first"
        raise CannotDecide(f"no shipped version {version!r}", "rollout", known)
    contract = load_to_serve(workspace.releases / version, workspace.clock()).contract
    acting(contract, person, OPERATOR)
    with open_site(workspace) as authority:
        refuse(authority.ledger.entries(), version)
        state = authority.state()
        _check(workspace, authority, version, contract)
        if state.rollout is not None and state.rollout.status in ("running", "held"):
            raise PolicySaysNo(f"{state.rollout.id} is {state.rollout.status}", "rollout", "abort it first")
        stages = _stages(contract)
        name = authority.new_id("ROL")
        first = plan.start(
            stages.stages,
            id=name,
            version=version,
            baseline=state.baseline,
            salt=f"{stages.salt}|{name}",
            shadow=stages.shadow.segments,
            started_at=workspace.now(),
        )
        _pin(workspace, authority, person, version, contract)
        authority.rollout(person, "started", first, f"{person} started {version}", state.rollout)
        return first


class Standing(Fact, frozen=True, kw_only=True):
    """A rollout as it stands. `word`: `not judged`, `inconclusive`, `waits`, `held`, `breached`, `met`, or its end.

    `problem`: why the plan of its stages cannot be read, where it cannot.
    """

    rollout: RolloutState | None
    word: str
    stage: str = ""
    stages: int = 0
    verdict: Verdict | None = None
    judged_at: str = ""
    judgements: tuple[Judgement, ...] = ()
    compared: tuple[Judgement, ...] = ()
    problem: str = ""


def standing(workspace: Workspace) -> Standing:
    """Return where the rollout stands: what its stage has shown and what is missing."""
    with open_site(workspace) as authority:
        rollout = authority.state().rollout
        if rollout is None:
            return Standing(rollout=None, word="none")
        try:
            stages = _stages(_contract(workspace, authority, rollout.version)).stages
        except ShipworthyError as problem:
            return Standing(rollout=rollout, word=rollout.status, problem=str(problem))
        kept = authority.store.get(plan.STAGE_SHOWN)
        shown = None if kept is None else msgspec.json.decode(kept, type=plan.StageShown)
        verdict = verdict_of(stages, rollout, shown, workspace.clock())
        here = shown is not None and (shown.rollout.id, shown.rollout.stage) == (rollout.id, rollout.stage)
        return Standing(
            rollout=rollout,
            word=_word(rollout, verdict, here),
            stage=stages[rollout.stage].name if rollout.stage < len(stages) else "",
            stages=len(stages),
            verdict=verdict,
            judged_at=shown.at if shown is not None and here else "",
            judgements=tuple(plan.deciding(shown.judgements)) if shown is not None and here else (),
            compared=shown.compared if shown is not None and here else (),
        )


def follow(
    workspace: Workspace,
    timeout_s: float,
    told: Callable[[Standing], None],
    wait: Callable[[float], None] = time.sleep,
    ticks: Callable[[], float] = time.monotonic,
) -> Standing:
    """Return where the rollout stands once it has moved or ended; `told` hears of each change on the way.

    Raises CannotDecide when neither has happened after `timeout_s`, or when there is no rollout.
    """
    first = before = standing(workspace)
    if first.rollout is None:
        raise CannotDecide("there is no rollout to follow", "rollout", "start one")
    told(first)
    until = ticks() + timeout_s
    now = first
    while not _moved(first, now):
        if ticks() >= until:
            raise CannotDecide(f"nothing moved in {timeout_s:g} s: {now.word}", first.rollout.id, "look again later")
        wait(min(LOOK_EVERY_S, max(0.0, until - ticks())))
        before, now = now, standing(workspace)
        if now != before:
            told(now)
    return now


def current(workspace: Workspace) -> RolloutState | None:
    """Return the rollout of the moment, None when there never was one."""
    with open_site(workspace) as authority:
        return authority.state().rollout


def advance(workspace: Workspace, person: str) -> RolloutState:
    """Take the next stage, in the role that the present stage asks for; the person's signature is recorded.

    The last stage completes so, where it names a role or was held: its version is then the warm baseline.

    The plan decides as it does for the controller: all SLOs met, samples enough, judged just now by the gateway that
    serves. Raises PolicySaysNo with what is waited for, CannotDecide when no gateway has judged this stage lately.
    """
    with open_site(workspace) as authority:
        rollout = _running(authority)
        contract = _contract(workspace, authority, rollout.version)
        stages = _stages(contract).stages
        role = stages[rollout.stage].advance
        acting(contract, person, OPERATOR if role == "auto" else role)
        last = rollout.stage + 1 >= len(stages)
        if last and role == "auto" and rollout.status == "running":
            raise UsageError("this is the last stage", rollout.id, "it completes when all SLOs are met")
        shown = stage_shown(workspace, authority, rollout)
        resumed = msgspec.structs.replace(shown, rollout=plan.resume(rollout))
        step = next_step(stages, resumed, frozenset({role}), at=workspace.now())
        if step.kind not in ("advance", "complete"):
            raise PolicySaysNo(step.because, rollout.id, "wait, or abort")
        _signed(workspace, authority, person, rollout, step)
        return step.next


def stage_shown(workspace: Workspace, authority: Authority, rollout: RolloutState) -> plan.StageShown:
    """Return what the serving gateway judged of this very stage. Raises CannotDecide when that is missing or stale."""
    kept = authority.store.get(plan.STAGE_SHOWN)
    fix = "is `shipworthy serve` running?"
    if kept is None:
        raise CannotDecide("no gateway has judged this rollout", rollout.id, fix)
    shown = msgspec.json.decode(kept, type=plan.StageShown)
    if (shown.rollout.id, shown.rollout.stage) != (rollout.id, rollout.stage):
        raise CannotDecide("no gateway has judged this stage yet", rollout.id, fix)
    if workspace.clock() - moment(shown.at) > STALE_AFTER:
        raise CannotDecide(f"this stage was last judged at {shown.at}", rollout.id, fix)
    return shown


def hold(workspace: Workspace, person: str) -> RolloutState:
    """Keep the share as it is."""
    with open_site(workspace) as authority:
        rollout = _running(authority)
        acting(shipped_contract(workspace, authority, rollout.version), person, OPERATOR)
        held = plan.hold(rollout, f"{person} holds it").next
        authority.rollout(person, "held", held, f"{person} holds it", rollout)
        return held


def abort(workspace: Workspace, person: str) -> RolloutState:
    """Back to the warm baseline, from any stage, any number of times."""
    with open_site(workspace) as authority:
        rollout = authority.state().rollout
        if rollout is None:
            raise UsageError("there is no rollout", "rollout")
        if rollout.status == "completed":
            raise UsageError("this rollout is complete: its version is the baseline", rollout.id, "roll out another")
        acting(shipped_contract(workspace, authority, rollout.version), person, OPERATOR)
        gone = plan.abort(rollout, f"{person} aborted it").next
        if gone != rollout:
            authority.rollout(person, "aborted", gone, f"{person} aborted it", rollout)
        return gone


def _word(rollout: RolloutState, verdict: Verdict, judged: bool) -> str:
    if rollout.status != "running":
        return rollout.status
    if not judged:
        return "not judged"
    if verdict.verdict == "inconclusive":
        return "inconclusive"
    return "breached" if verdict.verdict == "fail" else "waits" if verdict.waits_for else "met"


def _moved(first: Standing, now: Standing) -> bool:
    """True when another stage, rollout or status has come, or the rollout was over from the start."""
    if now.rollout is None or first.rollout is None:
        return now.rollout is not first.rollout
    if now.rollout.status in ("aborted", "completed"):
        return True
    keys = [(one.id, one.stage, one.status) for one in (first.rollout, now.rollout)]
    return keys[0] != keys[1]


def _contract(workspace: Workspace, authority: Authority, version: str) -> Contract:
    contract = load(workspace.releases / version, workspace.now()).contract
    _check(workspace, authority, version, contract)
    return contract


def _check(workspace: Workspace, authority: Authority, version: str, contract: Contract) -> None:
    entries, baseline = authority.ledger.entries(), authority.state().baseline
    check_release(entries, baseline, workspace.releases / version, contract, workspace.now())


def _pin(workspace: Workspace, authority: Authority, person: str, version: str, contract: Contract) -> None:
    """Record the locks of baseline and candidate where no entry has them: later, other keys are not taken for these."""
    entries = tuple(authority.ledger.entries())
    baseline = authority.state().baseline
    first = baseline_contract(entries, workspace.releases, baseline, workspace.now())
    for name, one in ((baseline, first), (version, contract)):
        body = unpinned(entries, workspace.releases / name, one)
        if body is not None:
            authority.note(person, ADMITTED, body)


def _running(authority: Authority) -> RolloutState:
    rollout = authority.state().rollout
    if rollout is None or rollout.status not in ("running", "held"):
        raise UsageError("no rollout is under way", "rollout", "start one")
    return rollout


def _stages(contract: Contract) -> Rollout:
    rollout = contract.manifest.rollout
    if rollout is None:
        raise ContractError("no rollout stages", "shipworthy.yaml", "add `rollout:` with stages")
    return rollout


def _signed(workspace: Workspace, authority: Authority, person: str, before: RolloutState, step: plan.Step) -> None:
    after, verb = step.next, {"advance": "advanced", "complete": "completed"}[step.kind]
    what = digest(after)
    proof = approve(person, "advance", what, workspace.person_key(person))
    approval = Approval(person=person, role="advance", what=what, proof=proof)
    because = f"{person} approved stage {after.stage}: {msgspec.json.encode(approval).decode()}"
    authority.rollout(person, verb, after, because, before)
    if step.kind == "complete":
        authority.baseline(person, after.version)
