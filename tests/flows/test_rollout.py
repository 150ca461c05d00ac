"""Who may start, advance, hold and abort a rollout; every step is in the ledger, an abort is always possible."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shipworthy.artifact.approval import check
from shipworthy.artifact.keys import load_public
from shipworthy.deploy.plan import STAGE_SHOWN, StageShown
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Approval, Judgement, Outcome, RolloutState, canonical, digest
from shipworthy.flows import rollout
from shipworthy.runtime.workspace import Workspace
from tests.flows.tiny import Tiny

MET = Judgement(slo="error_rate", segment="*", outcome=Outcome.MET, because="lo .01, hi .02")


def show(tiny: Tiny, *judgements: Judgement, samples: int = 1000, seconds: float = 0, stage: int | None = None) -> None:
    """Leave what the gateway would have judged of the present stage; `seconds` pass afterwards."""
    state = tiny.rollout()
    if stage is not None:
        state = msgspec.structs.replace(state, stage=stage)
    shown = StageShown(rollout=state, judgements=judgements or (MET,), samples=samples, at=tiny.workspace.now())
    store = tiny.workspace.store()
    store.put(STAGE_SHOWN, canonical(shown))
    store.close()
    tiny.clock.advance(seconds)


def advance(tiny: Tiny, person: str = "ana") -> RolloutState:
    show(tiny)
    return rollout.advance(tiny.workspace, person)


def test_a_start_opens_the_first_stage_and_no_more(rolling: Tiny) -> None:
    state = rolling.rollout()
    assert (state.version, state.baseline, state.stage, state.status) == ("2", "1", 0, "running")
    assert (state.share_bp, state.tenants) == (10_000, ("acme",))
    assert state.salt == f"tiny|{state.id}"
    assert rolling.kinds()[-1] == "deploy.started"
    assert rolling.state().baseline == "1"


def test_only_one_rollout_runs_at_a_time(rolling: Tiny) -> None:
    with pytest.raises(PolicySaysNo, match="is running"):
        rolling.start("2")
    rollout.hold(rolling.workspace, "ana")
    with pytest.raises(PolicySaysNo, match="is held"):
        rolling.start("2")


def test_a_version_that_never_shipped_cannot_start(shipped: Tiny) -> None:
    with pytest.raises(CannotDecide, match="no shipped version '9'") as told:
        shipped.start("9")
    assert told.value.fix == "there are: 1"
    shipped.release("2", slope=0.51)  # evaluated, not shipped
    with pytest.raises(CannotDecide):
        shipped.start("2")
    assert rollout.current(shipped.workspace) is None


def test_a_release_folder_that_was_changed_cannot_start(rolling: Tiny) -> None:
    rollout.abort(rolling.workspace, "ana")
    path = rolling.workspace.releases / "2/model/weights.json"
    path.write_text(path.read_text().replace("0.51", "0.01"))
    with pytest.raises(CannotDecide):
        rolling.start("2")


def test_the_baseline_is_no_candidate_of_itself(shipped: Tiny) -> None:
    with pytest.raises(UsageError, match="another version"):
        shipped.start("1")


@pytest.mark.parametrize("person", ["ben", "chidi"])
@pytest.mark.parametrize("verb", [rollout.advance, rollout.hold, rollout.abort])
def test_it_takes_the_role(rolling: Tiny, verb: Callable[[Workspace, str], RolloutState], person: str) -> None:
    before = rolling.rollout()
    with pytest.raises(PolicySaysNo, match="does not have the role"):
        verb(rolling.workspace, person)
    assert rolling.rollout() == before


@pytest.mark.parametrize("verb", [rollout.advance, rollout.hold, rollout.abort])
def test_a_stranger_is_told_who_is_known(rolling: Tiny, verb: Callable[[Workspace, str], RolloutState]) -> None:
    with pytest.raises(UsageError, match="not one of the people") as told:
        verb(rolling.workspace, "mallory")
    assert "ana" in str(told.value)


def test_a_stage_that_names_a_role_is_approved_in_that_role(rolling: Tiny) -> None:
    with pytest.raises(PolicySaysNo, match="sre"):
        rollout.advance(rolling.workspace, "dana")  # an operator, but no sre
    onward = advance(rolling)
    assert (onward.stage, onward.share_bp, onward.tenants) == (1, 10_000, ("*",))


def test_a_role_cannot_advance_what_no_gateway_has_judged(rolling: Tiny) -> None:
    before = rolling.rollout()
    with pytest.raises(CannotDecide, match="no gateway has judged"):
        rollout.advance(rolling.workspace, "ana")
    show(rolling, stage=1)
    with pytest.raises(CannotDecide, match="this stage"):
        rollout.advance(rolling.workspace, "ana")
    show(rolling, seconds=3600)
    with pytest.raises(CannotDecide, match="last judged"):
        rollout.advance(rolling.workspace, "ana")
    assert rolling.rollout() == before


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in (Outcome.MET,)])
def test_a_role_cannot_advance_what_is_not_met(rolling: Tiny, outcome: Outcome) -> None:
    before = rolling.rollout()
    show(rolling, MET, msgspec.structs.replace(MET, slo="auroc", outcome=outcome))
    with pytest.raises(PolicySaysNo):
        rollout.advance(rolling.workspace, "ana")
    assert rolling.rollout() == before


def test_a_role_cannot_advance_on_too_few_samples(rolling: Tiny) -> None:
    show(rolling, samples=0)
    with pytest.raises(PolicySaysNo):
        rollout.advance(rolling.workspace, "ana")


def test_an_approval_is_recorded_with_its_signature_over_the_new_state(rolling: Tiny) -> None:
    onward = advance(rolling)
    entry = rolling.entries()[-1]
    assert entry.kind == "deploy.advanced"
    because = str(entry.body["because"])
    approval = msgspec.json.decode(because[because.index("{") :], type=Approval)
    assert approval.what == digest(onward)
    assert approval.person == "ana"
    person = rolling.workspace.contract().person("ana")
    assert person is not None
    key = load_public(person.key)
    assert check(approval, key)  # type: ignore[arg-type]
    assert not check(msgspec.structs.replace(approval, what=digest(b"other")), key)  # type: ignore[arg-type]


def test_beyond_the_last_stage_there_is_nothing_to_approve(rolling: Tiny) -> None:
    advance(rolling)
    with pytest.raises(UsageError, match="last stage"):
        advance(rolling)


def test_a_held_rollout_keeps_its_share_and_advances_again(rolling: Tiny) -> None:
    held = rollout.hold(rolling.workspace, "dana")
    assert (held.status, held.stage, held.share_bp) == ("held", 0, 10_000)
    onward = advance(rolling)
    assert (onward.status, onward.stage) == ("running", 1)


def test_an_abort_takes_everything_back_and_may_be_said_twice(rolling: Tiny) -> None:
    advance(rolling)
    gone = rollout.abort(rolling.workspace, "dana")
    assert (gone.status, gone.stage, gone.share_bp, gone.tenants) == ("aborted", 0, 0, ())
    assert rollout.abort(rolling.workspace, "dana") == gone
    assert rolling.kinds().count("deploy.aborted") == 1


@pytest.mark.parametrize("verb", [rollout.advance, rollout.hold])
def test_an_aborted_rollout_never_goes_on(rolling: Tiny, verb: Callable[[Workspace, str], RolloutState]) -> None:
    rollout.abort(rolling.workspace, "ana")
    with pytest.raises(UsageError, match="no rollout is under way"):
        verb(rolling.workspace, "ana")


def test_after_an_abort_a_new_rollout_may_start_with_units_dealt_anew(rolling: Tiny) -> None:
    first = rolling.rollout()
    rollout.abort(rolling.workspace, "ana")
    again = rolling.start("2")
    assert again.id != first.id
    assert again.salt != first.salt
    assert again.stage == 0


@pytest.mark.parametrize("verb", [rollout.advance, rollout.hold, rollout.abort])
def test_without_a_rollout_there_is_nothing_to_do(
    shipped: Tiny, verb: Callable[[Workspace, str], RolloutState]
) -> None:
    assert rollout.current(shipped.workspace) is None
    with pytest.raises(UsageError):
        verb(shipped.workspace, "ana")
