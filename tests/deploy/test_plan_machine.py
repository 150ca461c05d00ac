"""The plan as a machine: whatever people, evidence and crashes do, in any order, its laws hold after every move."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shipworthy.contract.manifest import Stage
from shipworthy.deploy import plan
from shipworthy.deploy.routing import BASELINE, CANDIDATE, WHOLE_BP, arm, routes_of
from shipworthy.facts import Judgement, Outcome, RolloutState, RuntimeState, canonical

TENANTS = ("acme", "birch", "cedar")
ROLES = ("auto", "operator", "reviewer")
STAGES = st.lists(
    st.builds(
        Stage,
        name=st.sampled_from("abcd"),
        share=st.floats(0.01, 100.0),
        tenants=st.lists(st.sampled_from([*TENANTS, "*"]), min_size=1, unique=True).map(tuple),
        min_samples=st.integers(1, 100),
        advance=st.sampled_from(ROLES),
    ),
    min_size=1,
    max_size=4,
)
JUDGED = st.builds(
    Judgement,
    slo=st.sampled_from(["error_rate", "compare:errors", "compare:latency"]),
    segment=st.just("*"),
    outcome=st.sampled_from(Outcome),
    because=st.just("b"),
    trial=st.booleans(),
    here=st.booleans(),
)
SHOWN = st.lists(JUDGED, max_size=3)
ALL_MET = st.builds(lambda slo: [Judgement(slo=slo, segment="*", outcome=Outcome.MET, because="b")], st.just("auroc"))
AFTER = {
    "running": {"running", "held", "aborted", "completed"},
    "held": {"held", "running", "aborted"},
    "aborted": {"aborted"},
    "completed": {"completed", "aborted"},
}


class Plan(RuleBasedStateMachine):
    """One rollout from its start, written down after each move as the state files would."""

    @initialize(stages=STAGES)
    def begun(self, stages: list[Stage]) -> None:
        self.stages = tuple(stages)
        self.state = plan.start(self.stages, id="R", version="2", baseline="1", salt="s", started_at="t0")
        self.path = [self.state]

    @rule(
        slos=SHOWN | ALL_MET,
        compared=SHOWN,
        samples=st.integers(0, 120),
        role=st.sampled_from([(), ("operator",), ("reviewer",), ROLES]),
        passed=st.booleans(),
    )
    def looked_at(
        self,
        slos: Sequence[Judgement],
        compared: Sequence[Judgement],
        samples: int,
        role: tuple[str, ...],
        passed: bool,
    ) -> None:
        before, here = self.state, self.state.stage
        step = plan.step(self.stages, before, slos, samples, frozenset(role), passed, compared, at=f"t{len(self.path)}")
        deciding = plan.deciding([*slos, *compared])
        if step.kind in ("advance", "complete"):
            stage = self.stages[here]
            assert before.status == "running"
            assert plan.deciding(slos)
            assert {one.outcome for one in deciding} == {Outcome.MET}
            assert samples >= stage.min_samples
            assert stage.advance == "auto" or stage.advance in role
            assert step.next.stage_since == (f"t{len(self.path)}" if step.kind == "advance" else before.stage_since)
            assert passed or step.kind == "advance"
        breached = any(one.outcome is Outcome.BREACHED for one in deciding)
        assert (step.kind == "roll_back") == (breached and before.status in ("running", "held"))
        assert step.because
        self._move(step.next)

    @rule()
    def aborted(self) -> None:
        once = plan.abort(self.state, "by hand")
        assert once.kind == "roll_back"
        assert plan.abort(once.next, "again").next == once.next
        self._move(once.next)

    @rule()
    def held(self) -> None:
        held = plan.hold(self.state, "lunch").next
        assert (held.share_bp, held.tenants, held.stage) == (self.state.share_bp, self.state.tenants, self.state.stage)
        self._move(held)

    @rule()
    def resumed(self) -> None:
        self._move(plan.resume(self.state))

    @rule()
    def crashed(self) -> None:
        """What is read again is what was written."""
        self.state = msgspec.json.decode(canonical(self.state), type=RolloutState)

    def _move(self, after: RolloutState) -> None:
        before, self.state = self.state, after
        assert after.status in AFTER[before.status]
        if after.status in ("running", "held"):
            assert after.stage in (before.stage, before.stage + 1)
        self.path.append(after)

    @invariant()
    def weights_replace_and_never_add(self) -> None:
        state = getattr(self, "state", None)
        if state is None:
            return
        if state.status in ("running", "held"):
            stage = self.stages[state.stage]
            assert (state.share_bp, state.tenants) == (round(stage.share * 100), stage.tenants)
        else:
            assert state.share_bp in (0, WHOLE_BP)
        assert 0 <= state.share_bp <= WHOLE_BP

    @invariant()
    def only_who_is_named_and_dealt_gets_the_candidate(self) -> None:
        state = getattr(self, "state", None)
        if state is None:
            return
        routes = routes_of("1", RuntimeState(baseline="1", rollout=state).rollout)
        for tenant in TENANTS:
            got = {arm(routes, tenant, f"u{n}") for n in range(8)}
            named = tenant in state.tenants or "*" in state.tenants
            if state.status not in ("running", "held") or state.share_bp == 0 or not named:
                assert got == {BASELINE}
            elif state.share_bp == WHOLE_BP:
                assert got == {CANDIDATE}


Plan.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestPlan = Plan.TestCase
