from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.record import find_record, read_record
from shipworthy.facts import Approval
from tests.contract.repository import RECORD

FILE = "docs/decisions/0001-new-office.md"
DIGEST = "sha256:" + "b" * 64


def test_a_record_keeps_who_decided_and_who_disagreed() -> None:
    record, problems = read_record(RECORD, FILE)
    assert not problems
    assert record is not None
    assert (record.id, record.title, record.outcome) == (
        "0001-new-office",
        "Experts only for P9",
        "People decide there.",
    )
    assert record.front.decision_makers == ("ana", "ben")
    assert record.front.dissent[0].who == "ben"
    assert record.accepted


@pytest.mark.parametrize("name", ["0001", "0001-new-office", "0001-new-office.md", FILE])
def test_a_record_is_found_by_any_of_its_names(name: str) -> None:
    record, _ = read_record(RECORD, FILE)
    assert record is not None
    assert find_record([record], name) is record
    assert find_record([record], "1") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("status: accepted", "status: maybe", 2, "'maybe' is not allowed"),
        ("kind: safety-review", "kind: party", 4, "'party' is not allowed"),
        ("[ana, ben]", "[]", 5, "nobody made this decision"),
        ("decision-makers", "decision_makers", 5, "unknown key decision_makers"),
        ("status: accepted", "status: accepted\ncovers: sha256:12", 3, "covers is not a digest"),
        ("## Decision Outcome", "## Outcome", 8, "missing section 'Decision Outcome'"),
        ("People decide there.", "", 8, "missing section 'Decision Outcome'"),
        ("status: accepted", "status: accepted\nstatus: rejected", 3, "written twice"),
    ],
)
def test_a_record_that_cannot_be_relied_on_is_refused_at_its_line(old: str, new: str, line: int, told: str) -> None:
    record, problems = read_record(RECORD.replace(old, new), FILE)
    assert record is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]


def test_an_approval_must_be_over_exactly_what_the_record_covers() -> None:
    front = "covers: {}\napprovals:\n  - {{person: ana, role: operator, what: '{}', proof: AA}}\n"
    good = RECORD.replace("kind:", front.format(DIGEST, DIGEST) + "kind:")
    record, problems = read_record(good, FILE)
    assert not problems
    assert record is not None
    assert record.front.approvals == (Approval(person="ana", role="operator", what=DIGEST, proof="AA"),)
    _, problems = read_record(RECORD.replace("kind:", front.format(DIGEST, "sha256:x") + "kind:"), FILE)
    assert [(problem.line, problem.what) for problem in problems] == [
        (6, "the approval of ana is over another change than `covers`")
    ]


def test_a_superseded_decision_no_longer_stands() -> None:
    record, _ = read_record(RECORD.replace("accepted", "superseded by 0007"), FILE)
    assert record is not None
    assert not record.accepted


@given(st.text(max_size=200))
def test_arbitrary_text_never_raises(text: str) -> None:
    for source in (text, f"---\n{text}\n---\n{text}"):
        record, problems = read_record(source, FILE)
        assert record is None
        assert problems
