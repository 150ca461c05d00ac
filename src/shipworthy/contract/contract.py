"""The contract: everything the files beside the model say, read once and handed on as one frozen value.

In: the parts, from `files/reader.py`. Out: `Contract`, which rooms take as an argument; the digests that a subject
needs; and the lock that a shipped release leaves behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shipworthy.contract.card import Card
from shipworthy.contract.lock import IssuerKeys, Lock, locked_cases
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.note import Note
from shipworthy.contract.pack import Pack
from shipworthy.contract.record import DecisionRecord, find_record
from shipworthy.contract.standing import Standing
from shipworthy.contract.threats import ThreatModel
from shipworthy.facts import Budget, Case, Digest, Fact, PairedRows, Person, Policy, Subject, digest


class Contract(Fact, frozen=True, kw_only=True):
    """The whole contract. `lock` is None before the first release.

    `files` lists the repository's files; `digests` gives those of the files that belong to the change, by path.
    `seed` and `budget` are those of the pack.
    `not_claimed` says what the stakes do not require and is absent, and how to add it (`name: how`): shown in every
    report, never green.
    """

    manifest: Manifest
    policy: Policy
    card: Card
    note: Note
    cases: tuple[Case, ...]
    seed: int = 0
    budget: Budget = Budget()
    records: tuple[DecisionRecord, ...]
    people: tuple[Person, ...]
    issuers: IssuerKeys
    change: Digest
    policy_digest: Digest
    pack_digest: Digest
    data_digest: Digest
    files: tuple[str, ...]
    digests: dict[str, Digest]
    threats: ThreatModel | None = None
    lock: Lock | None = None
    not_claimed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def person(self, name: str) -> Person | None:
        """Return the person of that id, or None."""
        return next((person for person in self.people if person.id == name), None)

    def record(self, name: str) -> DecisionRecord | None:
        """Return the decision record of that name (id, file name, path or number), or None."""
        return find_record(self.records, name)

    def holders(self, role: str) -> tuple[Person, ...]:
        """Return the people who hold a role."""
        return tuple(person for person in self.people if role in person.roles)

    def subject(self, artefact: Digest, profile: Digest) -> Subject:
        """Return what is judged: this contract with the digests of the artefact and of its reference profile."""
        return Subject(
            model=self.manifest.model,
            version=self.manifest.version,
            artefact=artefact,
            change=self.change,
            policy=self.policy_digest,
            pack=self.pack_digest,
            data=self.data_digest,
            profile=profile,
        )


def policy_digest(policy: Policy) -> Digest:
    """Return the digest of the policy as parsed: comments and order of keys do not change it."""
    return digest(policy)


def pack_digest(pack: Pack, files: Mapping[str, Digest]) -> Digest:
    """Return the digest of the pack as parsed and of the bytes of the files its cases run on."""
    ordered: list[Case] = sorted(pack.cases, key=lambda case: case.id)
    return digest({"seed": pack.pack.seed, "cases": ordered, "files": dict(sorted(files.items()))})


def make_lock(
    contract: Contract,
    subject: Subject,
    verdict: str,
    *,
    values: Mapping[str, float] | None = None,
    rows: Mapping[str, Digest] | None = None,
    standing: Iterable[Standing] = (),
    bits: Mapping[str, str] | None = None,
    paired: PairedRows | None = None,
    checkpoint: str = "",
    first_shipped: str = "",
) -> Lock:
    """Return the lock of a release that shipped: `verdict` is its signed DSSE text, `checkpoint` that of the ledger."""
    manifest = contract.manifest
    return Lock(
        subject=subject,
        verdict=verdict,
        policy=contract.policy,
        pack=locked_cases(contract.cases, contract.digests),
        people=contract.people,
        issuers=contract.issuers,
        stakes=manifest.stakes,
        segment_keys=tuple(sorted(key.key for key in manifest.segments.keys)),
        features=manifest.features,
        decisions=manifest.decisions,
        endpoints=manifest.endpoints,
        datasets=manifest.datasets,
        scope_limits=manifest.scope_limits,
        fallback=manifest.fallback,
        kill_fallback=manifest.kill_fallback,
        idempotent=manifest.idempotent,
        label=manifest.label,
        review=manifest.review,
        unit=manifest.unit,
        tenant=manifest.tenant,
        alarms=manifest.alarms,
        throttles=manifest.throttles,
        rollout=manifest.rollout,
        retention=manifest.retention,
        review_queue=manifest.review_queue,
        drills=manifest.drills,
        values=dict(values or {}),
        rows=dict(rows or {}),
        standing=tuple(standing),
        relations=manifest.relations,
        scan_classes=tuple(sorted(manifest.scan.classes)),
        assistant=manifest.assistant,
        on_call=manifest.on_call,
        first_shipped=first_shipped,
        seed=contract.seed,
        bits=dict(bits or {}),
        paired=paired,
        checkpoint=checkpoint,
    )
