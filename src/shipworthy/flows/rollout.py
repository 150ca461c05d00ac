"""Rollouts by hand: start a shipped version, approve a stage, hold, abort. The plan decides what each may do."""

from __future__ import annotations

import msgspec

from shipworthy.artifact.approval import approve
from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Rollout
from shipworthy.decide import STALE_AFTER
from shipworthy.deploy import plan
from shipworthy.errors import CannotDecide, ContractError, PolicySaysNo, UsageError
from shipworthy.facts import Approval, RolloutState, digest
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.respond.moments import moment
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.known import ADMITTED, baseline_contract, check_release, unpinned
from shipworthy.runtime.releases import load, load_to_serve
from shipworthy.runtime.standing import refuse
from shipworthy.runtime.workspace import Workspace

OPERATOR = "operator"


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


def current(workspace: Workspace) -> RolloutState | None:
    """Return the rollout of the moment, None when there never was one."""
    with open_site(workspace) as authority:
        return authority.state().rollout


def advance(workspace: Workspace, person: str) -> RolloutState:
    """Take the next stage, in the role that the present stage asks for; the person's signature is recorded.

    The plan decides as it does for the controller: all SLOs met, samples enough, judged just now by the gateway that
    serves. Raises PolicySaysNo with what is waited for, CannotDecide when no gateway has judged this stage lately.
    """
    with open_site(workspace) as authority:
        rollout = _running(authority)
        contract = _contract(workspace, authority, rollout.version)
        stages = _stages(contract).stages
        role = stages[rollout.stage].advance
        acting(contract, person, OPERATOR if role == "auto" else role)
        if rollout.stage + 1 >= len(stages):
            raise UsageError("this is the last stage", rollout.id, "it completes when all SLOs are met")
        shown = stage_shown(workspace, authority, rollout)
        step = plan.step(stages, plan.resume(rollout), shown.judgements, shown.samples, frozenset({role}))
        if step.kind != "advance":
            raise PolicySaysNo(step.because, rollout.id, "wait, or abort")
        _signed(workspace, authority, person, rollout, step.next)
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


def _signed(workspace: Workspace, authority: Authority, person: str, before: RolloutState, after: RolloutState) -> None:
    what = digest(after)
    proof = approve(person, "advance", what, workspace.person_key(person))
    approval = Approval(person=person, role="advance", what=what, proof=proof)
    because = f"{person} approved stage {after.stage}: {msgspec.json.encode(approval).decode()}"
    authority.rollout(person, "advanced", after, because, before)
