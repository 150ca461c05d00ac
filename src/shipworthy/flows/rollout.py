"""Rollouts by hand: start a shipped version, approve a stage, hold, abort. The plan decides what each may do."""

from __future__ import annotations

import msgspec

from shipworthy.artifact.approval import approve
from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Rollout
from shipworthy.deploy import plan
from shipworthy.errors import ContractError, PolicySaysNo, UsageError
from shipworthy.facts import Approval, RolloutState, digest
from shipworthy.flows.site_state import acting, open_site
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.releases import load
from shipworthy.runtime.workspace import Workspace

OPERATOR = "operator"


def start(workspace: Workspace, version: str, person: str) -> RolloutState:
    """Start the first stage of a version that the gate passed. Raises PolicySaysNo while another rollout runs."""
    contract = load(workspace.releases / version).contract
    acting(contract, person, OPERATOR)
    with open_site(workspace) as authority:
        state = authority.state()
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
        authority.rollout(person, "started", first, f"{person} started {version}")
        return first


def current(workspace: Workspace) -> RolloutState | None:
    """Return the rollout of the moment, None when there never was one."""
    with open_site(workspace) as authority:
        return authority.state().rollout


def advance(workspace: Workspace, person: str) -> RolloutState:
    """Approve the next stage in the role that the present stage asks for; the person's signature is recorded."""
    with open_site(workspace) as authority:
        rollout = _running(authority)
        contract = load(workspace.releases / rollout.version).contract
        stages = _stages(contract).stages
        role = stages[rollout.stage].advance
        acting(contract, person, OPERATOR if role == "auto" else role)
        if rollout.stage + 1 >= len(stages):
            raise UsageError("this is the last stage", rollout.id, "it completes when all SLOs are met")
        onward = plan.at_stage(stages, plan.resume(rollout), rollout.stage + 1)
        _signed(workspace, authority, person, "advanced", onward)
        return onward


def hold(workspace: Workspace, person: str) -> RolloutState:
    """Keep the share as it is."""
    with open_site(workspace) as authority:
        rollout = _running(authority)
        acting(load(workspace.releases / rollout.version).contract, person, OPERATOR)
        held = plan.hold(rollout, f"{person} holds it").next
        authority.rollout(person, "held", held, f"{person} holds it")
        return held


def abort(workspace: Workspace, person: str) -> RolloutState:
    """Back to the warm baseline, from any stage, any number of times."""
    with open_site(workspace) as authority:
        rollout = authority.state().rollout
        if rollout is None:
            raise UsageError("there is no rollout", "rollout")
        acting(load(workspace.releases / rollout.version).contract, person, OPERATOR)
        gone = plan.abort(rollout, f"{person} aborted it").next
        if gone != rollout:
            authority.rollout(person, "aborted", gone, f"{person} aborted it")
        return gone


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


def _signed(workspace: Workspace, authority: Authority, person: str, verb: str, state: RolloutState) -> None:
    what = digest(state)
    proof = approve(person, "advance", what, workspace.person_key(person))
    approval = Approval(person=person, role="advance", what=what, proof=proof)
    because = f"{person} approved stage {state.stage}: {msgspec.json.encode(approval).decode()}"
    authority.rollout(person, verb, state, because)
