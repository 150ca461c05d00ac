"""The ledger on a store: append, read, checkpoint, verify, replay.

In: what happened, by whom. Out: entries that are durable when `append` returns, each with the digest of the one before,
and checkpoints that pin all of them. The clock and the key are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Digest, Entry, RuntimeState, canonical, digest
from shipworthy.ledger.audit import VerifyReport, audit
from shipworthy.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shipworthy.ledger.fold import fold, step
from shipworthy.ledger.merkle import Frontier, leaf_hash
from shipworthy.ledger.note import verifier_key
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store

CHECKPOINT_KEY: Final = "ledger/checkpoint"
_ONCE: Final = "ledger/once/"
Told = tuple[str, str, Mapping[str, Any]]  # actor, kind, body


class Ledger:
    """The ledger of one site. `origin` names it in checkpoints; `older_keys` are those it signed with before."""

    def __init__(
        self,
        store: Store,
        signing_key: Ed25519PrivateKey,
        origin: str,
        clock: Callable[[], datetime],
        older_keys: Sequence[Ed25519PublicKey] = (),
    ) -> None:
        self._store = store
        self._key = signing_key
        self._origin = origin
        self._clock = clock
        self._trusted = (signing_key.public_key(), *older_keys)
        self._signed = Frontier()  # the tree as this process signed it last
        self.verifier_key = verifier_key(origin, signing_key.public_key())

    def append(self, actor: str, kind: str, body: Mapping[str, Any]) -> Entry:
        """Append one entry; it is durable when this returns (inside a store transaction: when that ends).

        Raises UsageError for a kind or body that the fold would refuse, Unreachable when the store does not answer.
        """
        return self.append_many([(actor, kind, body)])[0]

    def append_many(self, told: Sequence[Told]) -> tuple[Entry, ...]:
        """Append entries, all or none."""
        plain = [(actor, kind, _plain(body)) for actor, kind, body in told]

        def build(seq: int, prev: Digest) -> list[Entry]:
            entries, at = [], rfc3339(self._clock())
            for actor, kind, body in plain:
                entry = Entry(seq=seq, at=at, actor=actor, kind=kind, body=body, prev=prev)
                _check(entry)
                entries.append(entry)
                seq, prev = seq + 1, digest(entry)
            return entries

        return self._store.append_entries(build)

    def append_once(self, key: str, actor: str, kind: str, body: Mapping[str, Any]) -> Entry | None:
        """Append an entry unless this key was used before (None then): for what may be told twice."""
        with self._store.transaction():
            if self._store.get(_ONCE + key) is not None:
                return None
            entry = self.append(actor, kind, body)
            self._store.put(_ONCE + key, str(entry.seq).encode())
        return entry

    def seq_of(self, key: str) -> int | None:
        """Return the number of the entry that was appended under this key, None when none was."""
        kept = self._store.get(_ONCE + key)
        return None if kept is None else int(kept)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries with start <= seq < stop."""
        return self._store.entries(start, stop)

    def size(self) -> int:
        """Return the number of entries."""
        return self._store.size()

    def replay(self) -> RuntimeState:
        """Return the state that all entries fold to."""
        return fold(self._store.entries())

    def checkpoint(self) -> str:
        """Return a signed checkpoint over all entries, and keep it. Call it outside a transaction.

        Raises CannotDecide when the ledger is not a continuation of what was signed last: a log that signs two
        histories proves nothing.
        """
        before = self._signed  # read first: what is kept is then at least as long, whoever else signs meanwhile
        tree = self._grown(before, self._last_signed())
        checkpoint = Checkpoint(self._origin, tree.size, tree.root())
        note = sign_checkpoint(checkpoint, self._key)
        with self._store.transaction():
            now = self._last_signed()
            if now is None or now.size <= tree.size:
                self._store.put(CHECKPOINT_KEY, note.encode())
        self._signed = tree
        return note

    def verify(
        self, checkpoint: str | None, public_key: Ed25519PublicKey, *older_keys: Ed25519PublicKey
    ) -> VerifyReport:
        """Check every entry, the chain, the kept checkpoint and the given one, and the store's own files.

        Only a checkpoint that was kept elsewhere shows a cut tail or a rewritten history for certain.
        """
        keys = (public_key, *older_keys)
        kept = self._store.get(CHECKPOINT_KEY)
        notes = {"the given checkpoint": checkpoint, "the kept checkpoint": _text(kept) if kept is not None else None}
        problems = [f"store: {problem}" for problem in self._store.integrity()]
        opened: dict[str, Checkpoint] = {}
        for name, note in notes.items():
            if note is None:
                continue
            try:
                opened[name] = open_checkpoint(note, self._origin, keys)
            except CannotDecide as error:
                problems.append(f"{name}: {error.what}")
        size = self._store.size()
        report = audit(self._store.entry_bytes(0, size), opened)
        if report.size != size:
            problems.append(f"store: numbers entries up to {size - 1} but holds {report.size}")
        problems.extend(report.problems)
        return VerifyReport(not problems, report.size, tuple(problems))

    def _last_signed(self) -> Checkpoint | None:
        note = self._store.get(CHECKPOINT_KEY)
        return None if note is None else open_checkpoint(_text(note), self._origin, self._trusted)

    def _grown(self, tree: Frontier, signed: Checkpoint | None) -> Frontier:
        """Return the tree over all entries, having passed through what was signed last."""
        least = signed.size if signed else 0
        if least < tree.size or self._store.size() < least:
            raise CannotDecide("the ledger is shorter than what was signed", self._origin, "run `ledger verify`")
        bodies = self._store.entry_bytes(tree.size)
        while True:
            if signed and tree.size == signed.size and tree.root() != signed.root:
                raise CannotDecide("the ledger is not what was signed", self._origin, "run `ledger verify`")
            body = next(bodies, None)
            if body is None:
                return tree
            tree = tree.append(leaf_hash(body))


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as it will be read back: facts become objects, tuples lists."""
    try:
        return msgspec.json.decode(canonical(body), type=dict[str, Any])
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise UsageError(
            f"cannot be written to the ledger: {error}", fix="give facts, texts, finite numbers"
        ) from error


def _check(entry: Entry) -> None:
    """Refuse what a later replay would stumble over."""
    try:
        step(RuntimeState(), entry)
    except CannotDecide as error:
        raise UsageError(error.what, where=entry.kind, fix="see the kinds in ledger/fold.py") from error


def _text(note: bytes) -> str:
    return note.decode("utf-8", errors="replace")  # a note that is not UTF-8 then fails its signature
