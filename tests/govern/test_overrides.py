"""An override holds for exactly what two different people signed, and for no moment longer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Granted, Outcome
from shipworthy.govern.overrides import check_asked, check_covers, check_holds, header, judged_digest, line
from tests.govern.made import (
    DURING,
    END,
    KEYS,
    START,
    SUBJECT,
    altered,
    granted,
    judgement,
    override,
    people,
    signed,
    verdict,
)


def holds(one: Granted, now: str = DURING, **keys: Any) -> bool:
    """Return whether it holds for the four people of the contract."""
    try:
        check_holds(one, people(**keys), SUBJECT, now)
    except PolicySaysNo:
        return False
    return True


def test_two_people_let_a_release_through() -> None:
    assert holds(granted())
    assert holds(granted(override(requested_by="dana"), ("dana", "operator"), ("ben", "reviewer")))


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2027-01-05T08:59:59.999999Z", False), (START, True), ("2027-01-08T08:59:59.999999Z", True), (END, False)],
)
def test_it_holds_from_its_first_moment_and_not_at_its_last(now: str, expected: bool) -> None:
    assert holds(granted(), now) is expected


def test_one_person_is_not_two() -> None:
    assert not holds(granted(None, ("ana", "operator")))
    assert not holds(granted(None, ("ana", "operator"), ("ana", "reviewer")))
    alone = override(requested_by="dana")
    assert not holds(granted(alone, ("dana", "operator"), ("dana", "reviewer")))


def test_two_names_with_one_key_are_one_person() -> None:
    asked = override()
    both = (signed("ana", "operator", asked), signed("ben", "reviewer", asked, KEYS["ana"]))
    assert not holds(Granted(override=asked, approvals=both), ben=KEYS["ana"])


@pytest.mark.parametrize(
    "signers",
    [
        (("ana", "operator"), ("chidi", "reviewer")),  # not a role of chidi
        (("ana", "operator"), ("ana", "sre")),
        (("ben", "reviewer"), ("dana", "reviewer")),  # nobody asked as an operator
        (("dana", "operator"), ("ben", "reviewer")),  # ana asked, dana signed
    ],
)
def test_the_right_roles_sign_and_the_one_who_asked_is_one_of_them(signers: tuple[tuple[str, str], ...]) -> None:
    assert not holds(granted(None, *signers))


@pytest.mark.parametrize(
    "change",
    [
        {"until": "2027-01-09T09:00:00.000000Z"},
        {"tenants": ("*",)},
        {"share_bp": 10_000},
        {"covers": ("auroc on *",)},
        {"reason": "another one"},
        {"id": "OVR-2027-0002"},
        {"verdict": "sha256:" + "1" * 64},
        {"subject": msgspec.structs.replace(SUBJECT, version="3")},
    ],
)
def test_nothing_of_it_may_be_changed_after_it_was_signed(change: dict[str, Any]) -> None:
    assert not holds(altered(granted(), **change))


def test_it_is_about_one_subject() -> None:
    other = msgspec.structs.replace(SUBJECT, artefact="sha256:" + "2" * 64)
    with pytest.raises(PolicySaysNo, match="another subject"):
        check_holds(granted(), people(), other, DURING)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "  "},
        {"compensating_control": ""},
        {"reason": "x" * 2_001},
        {"reason": "all is \x1b[32mgreen"},
        {"compensating_control": "none\u202e"},
        {"tenants": ("acme\x07",)},
        {"covers": ()},
        {"covers": ("b", "a")},
        {"covers": ("a", "a")},
        {"tenants": ()},
        {"tenants": ("",)},
        {"tenants": ("acme", "acme")},
        {"share_bp": 0},
        {"share_bp": 10_001},
        {"id": "OVR-2027-0001\r\nx-other: 1"},
        {"id": "ORD-2027-0001"},
        {"until": START},
        {"until": "2027-01-19T09:00:00.000001Z"},
        {"until": "2027-01-05T10:00:00Z"},
        {"requested_at": "2027-01-05T09:00:00.000000+02:00"},
        {"until": "2027-02-30T09:00:00.000000Z"},
    ],
)
def test_it_says_all_it_must_and_lasts_at_most_fourteen_days(change: dict[str, Any]) -> None:
    asked = override(**change)
    with pytest.raises(PolicySaysNo):
        check_asked(asked)
    assert not holds(granted(asked))


def test_fourteen_days_is_not_too_long() -> None:
    check_asked(override(until="2027-01-19T09:00:00.000000Z"))


def test_it_covers_the_verdict_it_names() -> None:
    check_covers(override(), verdict())


def test_a_warning_or_an_override_makes_no_other_verdict() -> None:
    assert judged_digest(verdict(warnings=("late",), overrides=("OVR",))) == judged_digest(verdict())


@pytest.mark.parametrize(
    "other",
    [
        verdict(judgement(because="0.5 > 0.3")),
        verdict(judgement(), judgement("auroc")),
        verdict(judgement("auroc")),
        verdict(judgement(outcome=Outcome.UNDECIDED)),
        verdict(judgement(), policy_changes=("slo auroc: removed",)),
    ],
)
def test_another_verdict_is_not_covered(other: Any) -> None:
    with pytest.raises(PolicySaysNo):
        check_covers(override(), other)


def test_rows_that_are_not_red_any_more_are_not_covered_either() -> None:
    wide = override(covers=("auroc on *", "error_rate on *"))
    with pytest.raises(PolicySaysNo, match="other rows"):
        check_covers(wide, verdict())


def test_every_red_row_is_named_or_none_is_covered() -> None:
    both = verdict(judgement(), judgement("auroc"))
    with pytest.raises(PolicySaysNo, match="other rows"):
        check_covers(override(verdict=judged_digest(both)), both)


def test_a_verdict_of_another_subject_is_not_covered() -> None:
    other = msgspec.structs.replace(SUBJECT, version="3")
    with pytest.raises(PolicySaysNo, match="another subject"):
        check_covers(override(subject=other), verdict())


def test_the_line_says_who_what_where_why_and_until_when() -> None:
    told = line(granted())
    for part in (
        "OVR-2027-0001",
        "ana and ben",
        "error_rate on *",
        "acme",
        "10 %",
        "old version fails",
        "read by",
        f"until {END[:19]}Z",
    ):
        assert part in told


def test_the_header_is_one_line() -> None:
    assert header(override()) == f"OVR-2027-0001; until={END}"


@given(st.sets(st.sampled_from(sorted((who, role) for who in KEYS for role in ("operator", "reviewer", "ml")))))
def test_whoever_signs_it_never_holds_without_an_operator_and_another_reviewer(signers: set[tuple[str, str]]) -> None:
    if holds(granted(None, *sorted(signers)) if signers else Granted(override=override(), approvals=())):
        assert ("ana", "operator") in signers
        assert {("ben", "reviewer"), ("dana", "reviewer")} & signers
