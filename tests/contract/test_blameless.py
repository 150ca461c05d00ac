"""Factors name conditions: no shape of the record can hold a person, and no text may name one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.blameless import check_blameless, person_named
from shipworthy.errors import UsageError
from shipworthy.facts import Person
from shipworthy.facts.incident import Factor, Harm

PEOPLE = (
    Person(id="ana", name="Ana Lindqvist", roles=("operator",), key=""),
    Person(id="b-okafor", name="Ben Okafor", roles=("reviewer",), key=""),
    Person(id="zoë", name="Zoë", roles=("ml",), key=""),
)


def test_no_field_of_a_factor_or_of_harm_can_hold_a_person() -> None:
    assert Factor.__struct_fields__ == ("kind", "what")
    assert Harm.__struct_fields__ == ("type", "severity", "groups")


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("ana pressed it", "ana"),
        ("it was ANA.", "ana"),
        ("(ana)", "ana"),
        ("ana_lindqvist's change", "ana"),
        ("Ana\u00a0Lindqvist", "ana"),
        ("Lindqvist's review", "ana"),
        ("\uff41\uff4e\uff41 again", "ana"),  # the same letters in their full width
        ("asked b-okafor", "b-okafor"),
        ("asked B Okafor", "b-okafor"),
        ("Zoe\u0308 did", "zoë"),
        ("banana encoding", None),
        ("an a priori choice", None),
        ("Ben was not asked", None),  # a first name alone is a word like others
        ("", None),
    ],
)
def test_a_text_names_a_person_by_whole_words_however_written(text: str, who: str | None) -> None:
    named = person_named(text, PEOPLE)
    assert (named.id if named else None) == who


@given(st.text(), st.text(), st.sampled_from(PEOPLE))
def test_a_name_between_any_other_words_is_found(before: str, after: str, person: Person) -> None:
    assert person_named(f"{before} {person.name} {after}", PEOPLE) is not None


def test_what_names_somebody_or_says_nothing_is_refused_in_one_line() -> None:
    check_blameless(["the encoding of new offices"], PEOPLE, "factor")
    for text in ("ana did it", "   "):
        with pytest.raises(UsageError) as problem:
            check_blameless([text], PEOPLE, "factor")
        assert "\n" not in str(problem.value)
