from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.threats import Bindable, read_threats
from tests.contract.repository import THREATS

BINDABLE = Bindable(
    case=frozenset({"backdoor"}),
    slo=frozenset({"auroc"}),
    never_event=frozenset({"never"}),
    decision=frozenset({"0001-risk"}),
)
BOUND = '["case:backdoor"]'


@pytest.mark.parametrize(
    "bound",
    [
        BOUND,
        '["pack:backdoor"]',
        "[backdoor]",
        '["slo:auroc", "mitigation:AML.M0007"]',
        '["never_event:never"]',
        '["detector:ood"]',
        '["detector:ood_rate"]',
        '["decision:0001-risk"]',
    ],
)
def test_a_threat_is_bound_to_what_shows_that_it_is_treated(bound: str) -> None:
    threats, problems = read_threats(THREATS.replace(BOUND, bound), bindable=BINDABLE, model="demo")
    assert not problems
    assert threats is not None


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (BOUND, '["case:backdor"]', 6, "no case is named 'backdor'"),
        (BOUND, '["slo:auc"]', 6, "no slo is named 'auc'"),
        (BOUND, '["detector:nose"]', 6, "no detector is named 'nose'"),
        (BOUND, '["hope:x"]', 6, "nothing is of the kind 'hope'"),
        (BOUND, "[hope]", 6, "is no case, SLO"),
        (BOUND, "[]", 6, "bound to nothing"),
        (BOUND, '["mitigation:AML.M0007"]', 6, "bound to nothing"),
        ("asset: A1", "asset: A2", 6, "unknown asset 'A2'"),
        ("likelihood: 2", "likelihood: 6", 6, "between 1 and 5"),
        ("treatment: test", "treatment: hope", 6, "'hope' is not allowed"),
        ("treatment: test", "treatment: accept", 6, "accepted by nobody"),
        ("treatment: test", "treatment: accept, accepted_by: 0009, expires: 2027-01-01", 6, "expected text"),
        ("treatment: test", "treatment: accept, accepted_by: '0009', expires: 2027-01-01", 6, "no decision is named"),
        ("treatment: test", "treatment: accept, accepted_by: 0001-risk", 6, "no expiry date"),
        ("model: demo", "model: other", 2, "the manifest says 'demo'"),
        ("2026-11-02T09:00:00Z", "yesterday", 3, "not a date"),
        ("@1", "@2", 1, "is not allowed"),
        ("[{id: A1, kind: training-data}]", "[{id: A1, kind: logs}, {id: A1, kind: logs}]", 4, "used twice"),
    ],
)
def test_a_threat_that_only_reads_like_treated_is_refused(old: str, new: str, line: int, told: str) -> None:
    assert old in THREATS
    threats, problems = read_threats(THREATS.replace(old, new), bindable=BINDABLE, model="demo")
    assert threats is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]


def test_an_accepted_threat_names_its_decision_and_its_expiry() -> None:
    text = THREATS.replace("treatment: test", "treatment: accept, accepted_by: 0001-risk, expires: 2027-01-01")
    assert read_threats(text.replace(BOUND, "[]"), bindable=BINDABLE)[1] == ()


@given(st.text(max_size=120))
def test_arbitrary_text_gives_problems_and_never_raises(text: str) -> None:
    threats, problems = read_threats(text, bindable=BINDABLE)
    assert threats is None
    assert problems
