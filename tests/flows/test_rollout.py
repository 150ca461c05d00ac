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


def undecided(needs_n: int = 400) -> Judgement:
    """Return a comparison that has not shown enough."""
    return Judgement(
        slo="compare:errors", segment="*", outcome=Outcome.UNDECIDED, because="not yet shown", needs_n=needs_n
    )


def leave(
    tiny: Tiny, compared: tuple[Judgement, ...] = (), samples: int = 1000, state: RolloutState | None = None
) -> None:
    """Leave what the serving gateway would have judged and compared just now, ten minutes into the stage."""
    shown = StageShown(
        rollout=state or tiny.rollout(),
        judgements=(MET,),
        compared=compared,
        samples=samples,
        minutes=10,
        at=tiny.workspace.now(),
    )
    store = tiny.workspace.store()
    store.put(STAGE_SHOWN, canonical(shown))
    store.close()


def test_a_role_cannot_advance_on_a_comparison_that_has_not_shown_enough(rolling: Tiny) -> None:
    before = rolling.rollout()
    leave(rolling, (undecided(),))
    with pytest.raises(PolicySaysNo, match="compare:errors on \\* undecided"):
        rollout.advance(rolling.workspace, "ana")
    leave(rolling, (msgspec.structs.replace(undecided(), outcome=Outcome.BREACHED),))
    with pytest.raises(PolicySaysNo, match="breached"):
        rollout.advance(rolling.workspace, "ana")
    assert rolling.rollout() == before
    leave(rolling, (msgspec.structs.replace(undecided(), here=False),))
    assert rollout.advance(rolling.workspace, "ana").stage == 1


def test_a_new_stage_says_when_it_began(rolling: Tiny) -> None:
    first = rolling.rollout()
    assert first.stage_since == first.started_at
    rolling.clock.advance(600)
    onward = advance(rolling)
    assert onward.stage_since == rolling.workspace.now() > onward.started_at


def test_entries_of_before_stages_were_dated_are_still_replayed(rolling: Tiny) -> None:
    plain = msgspec.to_builtins(rolling.rollout())
    del plain["stage_since"]
    assert msgspec.convert(plain, RolloutState).stage_since == ""


@pytest.mark.parametrize(
    ("compared", "samples", "word", "missing"),
    [
        ((), 1000, "waits", None),
        ((undecided(),), 1000, "inconclusive", 400),
        ((undecided(),), 5, "inconclusive", 400),
        ((), 5, "inconclusive", 15),
        ((msgspec.structs.replace(undecided(), outcome=Outcome.BREACHED),), 1000, "breached", 400),
    ],
)
def test_what_stands_is_told_with_what_is_missing(
    rolling: Tiny, compared: tuple[Judgement, ...], samples: int, word: str, missing: int | None
) -> None:
    leave(rolling, compared, samples)
    told = rollout.standing(rolling.workspace)
    assert (told.word, told.stage, told.stages) == (word, "acme", 2)
    assert told.verdict is not None
    assert told.verdict.waits_for == "sre"
    assert told.verdict.per_minute == samples / 10
    if missing is not None:
        assert told.verdict.needs_n == missing
        assert told.verdict.needs_minutes == -(-missing * 10 // samples)
    assert told.compared == compared


def test_what_was_judged_of_another_stage_or_long_ago_stands_for_nothing(rolling: Tiny) -> None:
    assert rollout.standing(rolling.workspace).word == "not judged"
    leave(rolling, state=msgspec.structs.replace(rolling.rollout(), stage=1))
    assert rollout.standing(rolling.workspace).word == "not judged"
    leave(rolling)
    rolling.clock.advance(301)
    late = rollout.standing(rolling.workspace)
    assert late.word == "inconclusive"
    assert late.verdict is not None
    assert "last judged" in late.verdict.reasons[0]


def test_following_ends_when_it_moves_ends_or_the_time_is_over(rolling: Tiny) -> None:
    heard: list[str] = []
    ticks = iter(range(100))

    def move(seconds: float) -> None:
        if len(heard) == 1:
            leave(rolling, (undecided(),))
        elif len(heard) == 2:
            leave(rolling)
            rollout.advance(rolling.workspace, "ana")

    last = rollout.follow(rolling.workspace, 50, lambda now: heard.append(now.word), move, lambda: float(next(ticks)))
    assert last.rollout is not None
    assert (last.rollout.stage, heard[:2]) == (1, ["not judged", "inconclusive"])
    with pytest.raises(CannotDecide, match="nothing moved in 0 s"):
        rollout.follow(rolling.workspace, 0, lambda now: None)
    rollout.abort(rolling.workspace, "ana")
    assert rollout.follow(rolling.workspace, 0, lambda now: None).word == "aborted"


def test_there_is_nothing_to_follow_without_a_rollout(shipped: Tiny) -> None:
    assert rollout.standing(shipped.workspace).word == "none"
    with pytest.raises(CannotDecide, match="no rollout to follow"):
        rollout.follow(shipped.workspace, 1, lambda now: None)


def test_a_last_stage_that_was_held_or_waits_for_a_role_completes_by_hand(rolling: Tiny) -> None:
    advance(rolling)
    rollout.hold(rolling.workspace, "ana")
    show(rolling, samples=0)
    with pytest.raises(PolicySaysNo, match="0 of 20 samples"):
        rollout.advance(rolling.workspace, "ana")
    done = advance(rolling)
    assert (done.status, done.share_bp) == ("completed", 10_000)
    assert rolling.state().baseline == "2"
    assert rolling.kinds()[-2:] == ["deploy.completed", "deploy.baselined"]
    assert rollout.standing(rolling.workspace).word == "completed"


def test_a_version_under_an_override_is_not_completed_by_hand(rolling: Tiny) -> None:
    advance(rolling)
    rollout.hold(rolling.workspace, "ana")
    shown = StageShown(
        rollout=rolling.rollout(), judgements=(MET,), samples=1000, at=rolling.workspace.now(), passed=False
    )
    store = rolling.workspace.store()
    store.put(STAGE_SHOWN, canonical(shown))
    store.close()
    with pytest.raises(PolicySaysNo, match="override"):
        rollout.advance(rolling.workspace, "ana")
