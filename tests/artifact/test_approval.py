from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from shipworthy.artifact.approval import approve, check, message, two_people
from shipworthy.artifact.digests import digest
from shipworthy.artifact.keys import public_openssh
from shipworthy.errors import CannotDecide, PolicySaysNo


class Signed(Struct, frozen=True):
    person: str
    role: str
    what: str
    proof: str


class Someone(Struct, frozen=True):
    id: str
    roles: tuple[str, ...]
    key: str


KEYS = {name: Ed25519PrivateKey.generate() for name in ("ada", "bob", "cy")}
ROLES = {"ada": ("operator", "reviewer"), "bob": ("reviewer",), "cy": ("operator",)}
PEOPLE = tuple(Someone(name, ROLES[name], public_openssh(KEYS[name].public_key(), "dev")) for name in KEYS)
WHAT, NEEDED = digest(b"the change"), ("operator", "reviewer")


def by(name: str, role: str, what: str = WHAT) -> Signed:
    return Signed(name, role, what, approve(name, role, what, KEYS[name]))


def test_two_people_in_the_two_roles_are_enough() -> None:
    assert two_people((by("ada", "operator"), by("bob", "reviewer")), PEOPLE, NEEDED, WHAT) == ("ada", "bob")
    assert two_people((by("bob", "reviewer"), by("cy", "operator")), PEOPLE, NEEDED, WHAT) == ("cy", "bob")


def test_a_person_with_both_roles_counts_once_and_where_needed() -> None:
    both = (by("ada", "operator"), by("ada", "reviewer"))
    with pytest.raises(PolicySaysNo, match="different people"):
        two_people(both, PEOPLE, NEEDED, WHAT)
    assert two_people((*both, by("cy", "operator")), PEOPLE, NEEDED, WHAT) == ("cy", "ada")


signed = st.builds(
    by, st.sampled_from(["ada", "bob", "cy"]), st.sampled_from(NEEDED), st.sampled_from([WHAT, digest(b"x")])
)


@settings(max_examples=80, deadline=None)
@given(st.lists(signed, max_size=4), signed)
def test_one_more_approval_never_takes_a_permission_away(approvals: list[Signed], more: Signed) -> None:
    try:
        two_people(approvals, PEOPLE, NEEDED, WHAT)
    except PolicySaysNo:
        return
    assert len(set(two_people([*approvals, more], PEOPLE, NEEDED, WHAT))) == 2


@settings(max_examples=80, deadline=None)
@given(st.lists(signed, max_size=5))
def test_whoever_is_named_signed_exactly_this_in_that_role(approvals: list[Signed]) -> None:
    try:
        named = two_people(approvals, PEOPLE, NEEDED, WHAT)
    except PolicySaysNo:
        return
    for person, role in zip(named, NEEDED, strict=True):
        assert by(person, role) in approvals
        assert role in ROLES[person]


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (by("bob", "reviewer", digest(b"another change")), "another digest"),
        (by("bob", "operator"), "does not have this role"),
        (replace(by("bob", "reviewer"), person="mallory"), "not one of the people"),
        (replace(by("bob", "reviewer"), proof=by("ada", "reviewer").proof), "signature is wrong"),
        (replace(by("bob", "reviewer"), proof="!"), "signature is wrong"),
        (replace(by("bob", "reviewer", digest(b"x")), what=WHAT), "signature is wrong"),
    ],
)
def test_an_approval_that_does_not_count_is_told_why(wrong: Signed, because: str) -> None:
    with pytest.raises(PolicySaysNo, match=because):
        two_people((by("ada", "operator"), wrong), PEOPLE, NEEDED, WHAT)


def test_two_ids_with_one_key_are_one_person() -> None:
    twin = Someone("bob", ("reviewer",), public_openssh(KEYS["ada"].public_key(), "other comment"))
    forged = Signed("bob", "reviewer", WHAT, approve("bob", "reviewer", WHAT, KEYS["ada"]))
    with pytest.raises(PolicySaysNo, match="different people"):
        two_people((by("ada", "operator"), forged), (PEOPLE[0], twin), NEEDED, WHAT)


def test_a_list_of_people_that_cannot_be_trusted_is_refused() -> None:
    with pytest.raises(PolicySaysNo, match="listed twice"):
        two_people((), (*PEOPLE, PEOPLE[0]), NEEDED, WHAT)
    with pytest.raises(PolicySaysNo, match="at least two roles"):
        two_people((by("ada", "operator"),), PEOPLE, ("operator",), WHAT)
    with pytest.raises(PolicySaysNo, match="nobody"):
        two_people((), PEOPLE, NEEDED, WHAT)


def test_the_signed_bytes_are_written_down() -> None:
    assert message("operator", WHAT) == b"shipworthy-approval-v1\noperator\n" + WHAT.encode() + b"\n"
    assert check(by("ada", "operator"), KEYS["ada"].public_key())
    assert not check(by("ada", "operator"), KEYS["bob"].public_key())
    for role, what in (("a\nb", WHAT), ("", WHAT), ("operator", "x")):
        with pytest.raises(CannotDecide):
            approve("ada", role, what, KEYS["ada"])
    with pytest.raises(CannotDecide):
        approve("", "operator", WHAT, KEYS["ada"])
