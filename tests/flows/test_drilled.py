"""The gate asks for a drill by the stakes: which ones count, until when, and of which version."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.contract.contract import Contract
from shipworthy.contract.stakes import UNPROVEN
from shipworthy.facts import Decision, Drill, ReplicaTime, canonical, digest
from shipworthy.flows import drill as flow
from shipworthy.flows.drilled import NAME, Practised, practised
from shipworthy.flows.ledger import verify
from shipworthy.flows.shared import Shared
from shipworthy.flows.site_state import open_site
from shipworthy.ledger.checkpoint import Checkpoint, sign_checkpoint
from shipworthy.ledger.files.log import CHECKPOINT_KEY
from shipworthy.ledger.merkle import EMPTY
from shipworthy.respond.drills import DRILLED
from shipworthy.respond.moments import told
from tests.flows.test_shared import Runner, raise_stakes, runner
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served

PLAIN = f"no {NAME}: {UNPROVEN[NAME]}"


def drilled(tiny: Tiny, when: datetime, actor: str = "ana", signed: bool = True, **more: object) -> None:
    """Write a drill into the ledger as the verb does."""
    one = Drill(
        id="DRL-2027-0001", kind="kill", model=MODEL, version="1", tenant="__drill__", at=told(when), by="ana",
        target_ms=1000.0, verdict="passed", because="well", expires=told(when + timedelta(days=30)), trips=1,
        replicas=(ReplicaTime(name="gateway", took_ms=9.0),), p99_ms=9.0, last_candidate_ms=12.0, answers=(8, 8),
    )  # fmt: skip
    with open_site(tiny.workspace) as authority:
        authority.note(actor, DRILLED, {"drill": msgspec.structs.replace(one, **more)})
        if signed:
            authority.ledger.checkpoint()


def asked(tiny: Tiny, stakes: str, **drills: object) -> Practised:
    contract = tiny.workspace.contract()
    manifest = msgspec.structs.replace(contract.manifest, stakes=stakes)
    if drills:
        manifest = msgspec.structs.replace(manifest, drills=msgspec.structs.replace(manifest.drills, **drills))
    changed: Contract = msgspec.structs.replace(contract, manifest=manifest)
    return practised(tiny.workspace, changed, Shared())


def test_low_stakes_ask_for_none_and_high_ones_always(shipped: Tiny) -> None:
    assert [asked(shipped, stakes).required for stakes in ("low", "standard", "high")] == [False, False, True]
    shipped.clock.advance(86_400 * 1000)
    assert [asked(shipped, stakes).required for stakes in ("low", "standard", "high")] == [False, True, True]


def test_standard_stakes_ask_from_the_ninetieth_day_on(shipped: Tiny) -> None:
    first = next(entry.at for entry in shipped.entries() if entry.kind == "gate.shipped")
    assert shipped.workspace.contract().lock is not None
    day = timedelta(days=90) - (shipped.clock() - datetime.fromisoformat(first))
    shipped.clock.advance(day.total_seconds() - 1)
    assert not asked(shipped, "standard").required
    assert NAME not in [block.name for block in shipped.judge().verdict.blocks]
    shipped.clock.advance(2)
    verdict = shipped.judge().verdict
    assert [block.name for block in verdict.blocks] == [NAME]
    assert "shipworthy drill kill --as" in verdict.blocks[0].fix
    assert verdict.decision is Decision.UNDECIDED
    drilled(shipped, shipped.clock())
    verdict = shipped.judge().verdict
    assert verdict.blocks == ()
    assert not any(NAME in one for one in (*verdict.warnings, *verdict.not_claimed))


def test_a_lock_that_does_not_know_when_it_first_shipped_excuses_nothing(shipped: Tiny, tmp_path: Path) -> None:
    there = Runner(shipped, tmp_path / "runner")
    contract = there.workspace.contract()
    assert contract.lock is not None
    assert contract.lock.first_shipped
    assert not practised(there.workspace, contract, Shared()).required
    unknown = msgspec.structs.replace(contract, lock=msgspec.structs.replace(contract.lock, first_shipped=""))
    assert practised(there.workspace, unknown, Shared()).required
    shipped.clock.advance(86_400 * 91)
    assert practised(there.workspace, contract, Shared()).required


@pytest.mark.parametrize(
    ("age_d", "more", "counts", "because"),
    [
        (0, {}, True, ""),
        (29.9, {}, True, ""),
        (30.1, {}, False, "days old"),
        (0, {"verdict": "failed", "because": "silent: worker-1"}, False, "silent: worker-1"),
        (0, {"version": "0"}, False, "version 0, which neither serves"),
        (0, {"kind": "degrade"}, False, "nothing shows it"),
        (0, {"model": "another"}, False, "nothing shows it"),
        (-1, {}, False, "not in the past"),
        (0, {"at": "yesterday"}, False, "not in the past"),
        (0, {"tenant": "acme"}, False, "no tenant of drills"),
        (0, {"replicas": ()}, False, "no replica is known"),
        (0, {"replicas": (ReplicaTime(name="worker-1", took_ms=None),)}, False, "no replica is known"),
        (0, {"answers": (0, 8)}, False, "stopped nothing"),
        (0, {"answers": (8, 0)}, False, "stopped nothing"),
        (0, {"p99_ms": None}, False, "no replica is known"),
        (0, {"p99_ms": 1000.0}, True, ""),
        (0, {"p99_ms": 1001.0, "target_ms": 1e9}, False, "it took 1001 ms, and 1000 count"),
        (0, {"last_candidate_ms": 1001.0}, False, "it took 1001 ms"),
        (0, {"p99_ms": 500.0, "target_ms": 400.0}, False, "it took 500 ms, and 400 count"),
        (0, {"p99_ms": -5.0, "last_candidate_ms": -5.0}, False, "it took -5 ms"),
        (0, {"by": "dana"}, False, "ana wrote it in the name of dana"),
        (0, {"signed": False}, False, "no checkpoint of this site's key"),
    ],
)
def test_which_drills_count(shipped: Tiny, age_d: float, more: dict[str, Any], counts: bool, because: str) -> None:
    drilled(shipped, shipped.clock() - timedelta(days=age_d), **more)
    found = asked(shipped, "high")
    assert found.shown is counts
    assert bool(found.blocks) is not counts
    assert counts or because in found.blocks[0].because


def test_a_row_that_somebody_put_into_the_store_is_no_drill(shipped: Tiny) -> None:
    """Whoever can write the file cannot sign: not a row of their own, not another one in the place of a signed one."""
    drilled(shipped, shipped.clock() - timedelta(days=40))
    last = shipped.entries()[-1]
    young = {**last.body["drill"], "at": told(shipped.clock())}
    forged = msgspec.structs.replace(last, seq=last.seq + 1, body={"drill": young}, prev=digest(last))
    database = sqlite3.connect(shipped.workspace.home / "store.db")
    with database:
        database.execute("insert into entries values (?, ?)", (forged.seq, canonical(forged)))
    assert shipped.workspace.store().size() == forged.seq + 1
    assert "no checkpoint of this site's key" in asked(shipped, "high").because
    other = msgspec.structs.replace(last, body={"drill": young})
    with database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f'drop trigger "{name}"')
        database.execute("delete from entries where seq = ?", (forged.seq,))
        database.execute("update entries set body = ? where seq = ?", (canonical(other), last.seq))
    database.close()
    assert "does not verify" in asked(shipped, "high").because


def test_a_ledger_that_another_key_signed_shows_nothing(shipped: Tiny) -> None:
    drilled(shipped, shipped.clock())
    assert asked(shipped, "high").shown
    store = shipped.workspace.store()
    strange = Checkpoint(shipped.workspace.origin(), 0, EMPTY)
    store.put(CHECKPOINT_KEY, sign_checkpoint(strange, Ed25519PrivateKey.generate()).encode())
    store.close()
    assert "does not verify" in asked(shipped, "high").because


def test_a_drill_that_was_really_run_counts(shipped: Tiny) -> None:
    with Served(shipped) as served:
        found = flow.drill(shipped.workspace, "kill", "ana", url=f"http://127.0.0.1:{served.port}", trips=1)
    assert found.verdict == "passed"
    assert asked(shipped, "high").shown
    assert verify(shipped.workspace, None).ok


def test_a_shorter_interval_of_the_contract_is_asked_and_a_longer_one_is_not(shipped: Tiny) -> None:
    drilled(shipped, shipped.clock() - timedelta(days=8))
    assert not asked(shipped, "high", every="7d").shown
    assert asked(shipped, "high", every="9d").shown
    drilled(shipped, shipped.clock() - timedelta(days=31))
    assert asked(shipped, "high", every="365d").shown  # by the first
    shipped.clock.advance(86_400 * 23)
    assert not asked(shipped, "high", every="365d").shown


def test_an_old_drill_is_told_as_such_where_it_is_only_a_warning(shipped: Tiny) -> None:
    assert PLAIN in shipped.judge().verdict.warnings
    drilled(shipped, shipped.clock() - timedelta(days=41))
    (told_,) = [one for one in shipped.judge().verdict.warnings if NAME in one]
    assert "DRL-2027-0001 does not count: it is 41 days old" in told_


def test_a_gate_elsewhere_reads_the_drills_of_the_site(shipped: Tiny, tmp_path: Path) -> None:
    shipped.clock.advance(86_400 * 91)
    with Served(shipped) as served:
        before = runner(served, tmp_path / "before").judge().verdict
        assert NAME in [block.name for block in before.blocks]
        drilled(shipped, shipped.clock())
        after = runner(served, tmp_path / "after").judge()
        assert NAME not in [block.name for block in after.verdict.blocks]
        assert {"deploy.baselined", "gate.shipped"} < {one.kind for one in after.shared.records("")}


def test_high_stakes_are_red_without_a_drill(shipped: Tiny) -> None:
    raise_stakes(shipped)
    assert NAME in [block.name for block in shipped.judge().verdict.blocks]
    drilled(shipped, shipped.clock())
    assert NAME not in [block.name for block in shipped.judge().verdict.blocks]
