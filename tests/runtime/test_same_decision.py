"""What was evaluated is what is served: the pack's decisions and the gateway's come from the same thresholds."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.answer import answer
from shipworthy.deploy.release import Release
from shipworthy.profile.thresholds import Bucket, Thresholds, Words, decide
from shipworthy.stats.uncertainty import UncertaintyTable, look_up

WORDS = Words(deny="auto_deny", approve="auto_approve", review="review")
TABLE = UncertaintyTable((0.1, 0.25, 0.5), (0.1, 0.29, 0.31, 0.9))
edges = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0]))
scores = st.one_of(st.none(), st.floats(-0.5, 1.5), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0]))


@dataclass(frozen=True)
class Ordinary:
    """A row like all others."""

    p: float = 1.0
    view: str = "none"
    feature: str | None = None
    flag: bool = False
    unseen: tuple[str, ...] = ()

    def score(self, row: object) -> Ordinary:
        return self

    def bucket(self, row: object) -> tuple[str, ...]:
        return ()


@given(score=scores, deny=edges, approve=edges, limit=st.one_of(st.none(), st.sampled_from([0.05, 0.3, 1.0])))
def test_the_gateway_decides_as_the_evaluation_did(
    score: float | None, deny: float | None, approve: float | None, limit: float | None
) -> None:
    bucket = Bucket(feature="*", n=1000, deny=deny, approve=approve)
    thresholds = Thresholds(buckets=(bucket,), uncertainty=TABLE, max_uncertainty=limit, words=WORDS)
    release = Release(
        version="2",
        words=WORDS,
        columns=(("a", "int"),),
        scorer=Ordinary(),
        max_uncertainty=limit,
        fallback="human_review",
        kill_fallback="human_review",
    )
    evaluated = decide(thresholds, score)
    usable = score is not None and 0.0 <= score <= 1.0
    unsure = look_up(TABLE, score) if score is not None and usable else None
    served = answer(release, score=score, ood=Ordinary(), cut=bucket, uncertainty=unsure, fields={})
    assert (served.decision, served.route) == (evaluated.decision, evaluated.route)
