"""Laws of the rollout plan."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Stage
from shipworthy.deploy.plan import abort, hold, resume, start, step
from shipworthy.errors import UsageError
from shipworthy.facts import Judgement, Outcome, RolloutState

STAGES = (
    Stage(name="one", share=1, tenants=("acme",), min_samples=100),
    Stage(name="ten", share=10, tenants=("acme", "globex"), min_samples=500),
    Stage(name="all", share=100, tenants=("*",), min_samples=1000, advance="reviewer"),
)
FIRST = start(STAGES, id="R-1", version="2", baseline="1", salt="s")
OUTCOME = st.sampled_from(list(Outcome))
JUDGEMENTS = st.lists(
    st.builds(
        Judgement,
        slo=st.sampled_from(["a", "b"]),
        segment=st.just("*"),
        outcome=OUTCOME,
        because=st.just("because"),
        trial=st.booleans(),
        here=st.booleans(),
    ),
    max_size=4,
)
STATE = st.builds(
    lambda stage, status: msgspec.structs.replace(
        FIRST, stage=stage, status=status, share_bp=round(STAGES[stage].share * 100), tenants=STAGES[stage].tenants
    ),
    st.integers(0, 2),
    st.sampled_from(["running", "held", "aborted", "completed"]),
)
ROLES = st.sampled_from([frozenset[str](), frozenset({"reviewer"}), frozenset({"operator"})])


def judged(*outcomes: Outcome) -> list[Judgement]:
    return [Judgement(slo=f"s{i}", segment="*", outcome=one, because="b") for i, one in enumerate(outcomes)]


def deciding(judgements: list[Judgement]) -> list[Judgement]:
    return [one for one in judgements if one.here and not one.trial]


@given(state=STATE, judgements=JUDGEMENTS, samples=st.integers(0, 2000), approved=ROLES)
def test_it_goes_on_only_with_everything_met_and_enough_samples(
    state: RolloutState, judgements: list[Judgement], samples: int, approved: frozenset[str]
) -> None:
    taken = step(STAGES, state, judgements, samples, approved)
    if taken.kind in ("advance", "complete"):
        stage = STAGES[state.stage]
        assert state.status == "running"
        assert deciding(judgements)
        assert all(one.outcome is Outcome.MET for one in deciding(judgements))
        assert samples >= stage.min_samples
        assert stage.advance == "auto" or stage.advance in approved


@given(state=STATE, judgements=JUDGEMENTS, samples=st.integers(0, 2000), approved=ROLES)
def test_a_breach_rolls_back_from_every_stage_under_way(
    state: RolloutState, judgements: list[Judgement], samples: int, approved: frozenset[str]
) -> None:
    taken = step(STAGES, state, judgements, samples, approved)
    breached = any(one.outcome is Outcome.BREACHED for one in deciding(judgements))
    under_way = state.status in ("running", "held")
    assert (taken.kind == "roll_back") == (breached and under_way)
    if taken.kind == "roll_back":
        assert (taken.next.status, taken.next.share_bp, taken.next.tenants) == ("aborted", 0, ())


@given(state=STATE, judgements=JUDGEMENTS, samples=st.integers(0, 2000))
def test_losing_samples_or_evidence_never_helps(state: RolloutState, judgements: list[Judgement], samples: int) -> None:
    more = step(STAGES, state, judgements, samples)
    fewer = step(STAGES, state, judgements, samples // 2)
    none = step(STAGES, state, [], samples)
    assert none.kind == "hold"
    if fewer.kind in ("advance", "complete"):
        assert more.kind == fewer.kind


@given(state=STATE)
def test_abort_is_taken_in_every_state_and_twice_is_once(state: RolloutState) -> None:
    once = abort(state, "by hand")
    assert once.kind == "roll_back"
    assert (once.next.status, once.next.share_bp) == ("aborted", 0)
    assert abort(once.next, "by hand") == once


@given(state=STATE, judgements=JUDGEMENTS, samples=st.integers(0, 5000))
def test_what_is_over_stays_over(state: RolloutState, judgements: list[Judgement], samples: int) -> None:
    if state.status in ("aborted", "completed"):
        assert step(STAGES, state, judgements, samples, frozenset({"reviewer"})).next == state
        assert resume(state) == state
        assert hold(state, "by hand").next == state


def test_a_rollout_goes_stage_by_stage_to_its_end() -> None:
    met = judged(Outcome.MET)
    second = step(STAGES, FIRST, met, 100)
    assert (FIRST.share_bp, FIRST.tenants) == (100, ("acme",))
    assert (second.kind, second.next.stage, second.next.share_bp) == ("advance", 1, 1000)
    third = step(STAGES, second.next, met, 500)
    assert (third.kind, third.next.share_bp, third.next.tenants) == ("advance", 10_000, ("*",))
    waiting = step(STAGES, third.next, met, 1000)
    assert (waiting.kind, waiting.because) == ("hold", "all met in stage all; waits for reviewer")
    done = step(STAGES, third.next, met, 1000, frozenset({"reviewer"}))
    assert (done.kind, done.next.status) == ("complete", "completed")


@pytest.mark.parametrize(
    ("judgements", "samples", "because"),
    [
        ([], 1000, "nothing decides here"),
        (judged(Outcome.MET, Outcome.UNDECIDED), 1000, "s1 on * undecided"),
        (judged(Outcome.NO_DATA), 1000, "s0 on * no_data"),
        (judged(Outcome.MET), 99, "99 of 100 samples"),
    ],
)
def test_what_is_missing_holds_and_says_so(judgements: list[Judgement], samples: int, because: str) -> None:
    taken = step(STAGES, FIRST, judgements, samples)
    assert taken.kind == "hold"
    assert because in taken.because
    assert taken.next == FIRST


def test_a_held_rollout_keeps_its_share_and_still_rolls_back() -> None:
    held = hold(FIRST, "lunch").next
    assert (held.status, held.share_bp) == ("held", FIRST.share_bp)
    assert step(STAGES, held, judged(Outcome.MET), 1000).kind == "hold"
    assert step(STAGES, held, judged(Outcome.BREACHED), 0).kind == "roll_back"
    assert resume(held) == FIRST


@pytest.mark.parametrize(
    ("stages", "baseline"),
    [
        ((), "1"),
        (STAGES, ""),
        (STAGES, "2"),
        ((Stage(name="x", share=101, tenants=("*",)),), "1"),
        ((Stage(name="x", share=-1, tenants=("*",)),), "1"),
        ((Stage(name="x", share=1, tenants=()),), "1"),
    ],
)
def test_a_plan_without_a_way_back_or_a_way_on_is_refused(stages: tuple[Stage, ...], baseline: str) -> None:
    with pytest.raises(UsageError):
        start(stages, id="R", version="2", baseline=baseline, salt="s")


@given(state=STATE, judgements=JUDGEMENTS, samples=st.integers(0, 2000), approved=ROLES)
def test_what_did_not_pass_goes_the_same_way_and_never_completes(
    state: RolloutState, judgements: list[Judgement], samples: int, approved: frozenset[str]
) -> None:
    taken = step(STAGES, state, judgements, samples, approved)
    under = step(STAGES, state, judgements, samples, approved, passed=False)
    assert under == taken if taken.kind != "complete" else (under.kind, under.next) == ("hold", state)


def test_the_last_stage_completes_only_what_passed() -> None:
    last = msgspec.structs.replace(FIRST, stage=2)
    everything = (STAGES, last, judged(Outcome.MET), 1000, frozenset({"reviewer"}))
    assert step(*everything).kind == "complete"
    assert "override" in step(*everything, passed=False).because


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.MET, "advance"),
        (Outcome.UNDECIDED, "hold"),
        (Outcome.NO_DATA, "hold"),
        (Outcome.BREACHED, "roll_back"),
    ],
)
def test_a_comparison_holds_and_rolls_back_as_an_slo_does_and_never_stands_for_one(outcome: Outcome, kind: str) -> None:
    beside = judged(outcome)
    assert step(STAGES, FIRST, judged(Outcome.MET), 1000, compared=beside).kind == kind
    alone = step(STAGES, FIRST, [], 1000, compared=beside)
    assert alone.kind == ("roll_back" if outcome is Outcome.BREACHED else "hold")
