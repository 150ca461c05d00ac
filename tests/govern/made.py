"""An override as two people sign it, made from a few digests: for the rules, not for any release."""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact.approval import approve
from shipworthy.artifact.keys import public_openssh
from shipworthy.facts import (
    Approval,
    Block,
    Decision,
    Granted,
    Judgement,
    Outcome,
    Override,
    Person,
    Subject,
    Verdict,
    digest,
)
from shipworthy.govern.overridable import red_rows
from shipworthy.govern.overrides import judged_digest

D = "sha256:" + "0" * 64
SUBJECT = Subject(model="m", version="2", artefact=D, change=D, policy=D, pack=D, data=D, profile=D)
START, DURING, END = "2027-01-05T09:00:00.000000Z", "2027-01-06T09:00:00.000000Z", "2027-01-08T09:00:00.000000Z"
ROLES = {"ana": ("operator", "sre"), "ben": ("reviewer",), "chidi": ("ml",), "dana": ("operator", "reviewer")}
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([index]) * 32) for index, name in enumerate(ROLES, 1)}


def people(**keys: Ed25519PrivateKey) -> tuple[Person, ...]:
    """Return the four people; `keys` replaces somebody's key."""
    return tuple(
        Person(id=name, name=name, roles=roles, key=public_openssh((KEYS | keys)[name].public_key()))
        for name, roles in ROLES.items()
    )


def judgement(slo: str = "error_rate", outcome: Outcome = Outcome.BREACHED, **more: Any) -> Judgement:
    """Return one judgement, breached by default."""
    return Judgement(**({"slo": slo, "segment": "*", "outcome": outcome, "because": "0.4 > 0.3"} | more))


def verdict(*judgements: Judgement, blocks: tuple[Block, ...] = (), **more: Any) -> Verdict:
    """Return a blocked verdict with these judgements, by default one breach of `error_rate`."""
    told: dict[str, Any] = {"decision": Decision.BLOCKED, "first": False} | more
    return Verdict(subject=SUBJECT, baseline=D, judgements=judgements or (judgement(),), blocks=blocks, **told)


def override(**changes: Any) -> Override:
    """Return what ana asks for about `verdict()`."""
    told: dict[str, Any] = {
        "id": "OVR-2027-0001",
        "subject": SUBJECT,
        "verdict": judged_digest(verdict()),
        "covers": red_rows(verdict()),
        "tenants": ("acme",),
        "share_bp": 1_000,
        "reason": "the old version fails on the new forms",
        "compensating_control": "every denial is read by a person",
        "requested_by": "ana",
        "requested_at": START,
        "until": END,
    }
    return Override(**(told | changes))


def signed(person: str, role: str, what: Override, key: Ed25519PrivateKey | None = None) -> Approval:
    """Return a person's signature over the exact override."""
    wanted = digest(what)
    return Approval(person=person, role=role, what=wanted, proof=approve(person, role, wanted, key or KEYS[person]))


def granted(what: Override | None = None, *signers: tuple[str, str]) -> Granted:
    """Return the override signed by ana and ben, or by whom is named."""
    asked = what or override()
    by = signers or (("ana", "operator"), ("ben", "reviewer"))
    return Granted(override=asked, approvals=tuple(signed(person, role, asked) for person, role in by))


def altered(one: Granted, **changes: Any) -> Granted:
    """Return it with the override changed under its signatures."""
    return msgspec.structs.replace(one, override=msgspec.structs.replace(one.override, **changes))
