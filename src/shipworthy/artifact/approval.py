"""Approvals: a person's signature over one exact thing, in one role; and the rule of two people.

In: approvals as they travel, the people of the contract and what is to be approved (a digest). Out: who approved, or
PolicySaysNo. The signed bytes name the role and the digest, so an approval cannot be used for another change or role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipworthy.artifact.digests import is_digest
from shipworthy.artifact.keys import holds, key_id, load_public, sign_bytes
from shipworthy.artifact.strict import decode64, encode64
from shipworthy.errors import CannotDecide, PolicySaysNo

_WHERE = "approval"


class Approves(Protocol):
    """An approval as it travels: who, in which role, over which digest, with which proof (base64)."""

    @property
    def person(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def proof(self) -> str: ...


class Person(Protocol):
    """A person of the contract: id, roles and the OpenSSH line of their Ed25519 public key."""

    @property
    def id(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def key(self) -> str: ...


def message(role: str, what: str) -> bytes:
    """The bytes a person signs. Raises CannotDecide when the role or the digest could be read in two ways."""
    if not role or "\n" in role or not is_digest(what):
        raise CannotDecide("a role of one line and a sha256 digest are needed", _WHERE)
    return b"shipworthy-approval-v1\n" + role.encode() + b"\n" + what.encode() + b"\n"


def approve(person: str, role: str, what: str, private_key: Ed25519PrivateKey) -> str:
    """The proof (base64, 64 bytes) that the holder of this key approves `what` in `role`."""
    if not person:
        raise CannotDecide("an approval needs a person", _WHERE)
    return encode64(sign_bytes(private_key, message(role, what)))


def check(approval: Approves, public_key: Ed25519PublicKey) -> bool:
    """Whether the proof is this key's signature over exactly the role and digest of the approval."""
    try:
        return holds(public_key, decode64(approval.proof, _WHERE), message(approval.role, approval.what))
    except CannotDecide:
        return False


def two_people(
    approvals: Iterable[Approves], people: Iterable[Person], roles_needed: Sequence[str], what: str
) -> tuple[str, ...]:
    """The person ids that approved `what`, one per needed role in that order, all different people with other keys.

    Raises PolicySaysNo with the reason of each approval that did not count.
    """
    if len(roles_needed) < 2:
        raise PolicySaysNo("two people means at least two roles", _WHERE)
    known, keys = _register(people)
    valid, reasons = [], []
    for approval in approvals:
        reason = _problem(approval, known, keys, what)
        if reason:
            reasons.append(f"{approval.person[:40]} as {approval.role[:40]}: {reason}")
        else:
            valid.append(approval)
    chosen = _assigned(tuple(roles_needed), valid, keys, ())
    if chosen is None:
        raise PolicySaysNo(_missing(roles_needed, valid, reasons), _WHERE, "ask another person to approve this digest")
    return chosen


def _register(people: Iterable[Person]) -> tuple[dict[str, Person], dict[str, Ed25519PublicKey]]:
    """People and their keys by id. A repeated id would let one entry speak for another, so it is refused."""
    known: dict[str, Person] = {}
    keys: dict[str, Ed25519PublicKey] = {}
    for person in people:
        if person.id in known:
            raise PolicySaysNo(f"the person {person.id!r} is listed twice", _WHERE)
        known[person.id] = person
        public = load_public(person.key)
        if not isinstance(public, Ed25519PublicKey):
            raise PolicySaysNo(f"the key of {person.id!r} is not Ed25519", _WHERE)
        keys[person.id] = public
    return known, keys


def _problem(approval: Approves, known: dict[str, Person], keys: dict[str, Ed25519PublicKey], what: str) -> str:
    """Why this approval does not count; empty when it does."""
    if approval.person not in known:
        return "not one of the people"
    if approval.role not in known[approval.person].roles:
        return "does not have this role"
    if approval.what != what:
        return "is over another digest"
    return "" if check(approval, keys[approval.person]) else "the signature is wrong"


def _assigned(
    roles: tuple[str, ...], valid: Sequence[Approves], keys: dict[str, Ed25519PublicKey], taken: tuple[str, ...]
) -> tuple[str, ...] | None:
    """One person per role, no key and so nobody twice; None when that cannot be done."""
    if not roles:
        return taken
    used = {key_id(keys[person]) for person in taken}
    candidates = {approval.person for approval in valid if approval.role == roles[0]}
    for person in sorted(candidates):
        if key_id(keys[person]) not in used:
            found = _assigned(roles[1:], valid, keys, (*taken, person))
            if found is not None:
                return found
    return None


def _missing(roles: Sequence[str], valid: Sequence[Approves], reasons: Sequence[str]) -> str:
    counted = ", ".join(f"{one.person} as {one.role}" for one in valid) or "nobody"
    told = f"needs {' and '.join(roles)} from different people; counted: {counted}"
    return f"{told}; not counted: {'; '.join(reasons)}" if reasons else told
