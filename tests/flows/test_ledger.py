"""The ledger verifies, replays to what holds, and a checkpoint kept elsewhere shows a cut tail."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from shipworthy.errors import CannotDecide
from shipworthy.facts import Named
from shipworthy.flows import ledger, posture
from tests.flows.tiny import Tiny

CUT = "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)"


def change(tiny: Tiny, statement: str) -> None:
    """Change the store behind the ledger's back, its triggers out of the way."""
    connection = apsw.Connection(str(tiny.workspace.home / "store.db"))
    triggers = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.close()


def kept(tiny: Tiny) -> Path:
    """Export a checkpoint; return where it is kept."""
    path = tiny.at / "checkpoint.txt"
    path.write_text(ledger.checkpoint(tiny.workspace))
    return path


def test_what_was_written_verifies_and_replays(rolling: Tiny) -> None:
    posture.tighten(rolling.workspace, rolling.scope(tenant="acme"), Named.SAFE_MODE, "odd", "ana")
    told = ledger.verify(rolling.workspace, kept(rolling))
    assert (told.ok, told.size, told.problems) == (True, len(rolling.kinds()), ())
    again = ledger.replay(rolling.workspace)
    assert again.same
    assert again.entries == told.size
    assert again.state == rolling.state()
    assert again.state_digest == again.holds_digest


def test_entries_name_the_one_before_and_come_in_order(rolling: Tiny) -> None:
    entries = rolling.entries()
    assert [entry.seq for entry in entries] == list(range(len(entries)))
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert ledger.show(rolling.workspace, 2) == entries[2:]


def test_a_cut_tail_is_seen_against_a_kept_checkpoint(rolling: Tiny) -> None:
    path = kept(rolling)
    change(rolling, CUT)
    told = ledger.verify(rolling.workspace, path)
    assert not told.ok
    assert any("ends before" in problem for problem in told.problems)
    assert not ledger.replay(rolling.workspace).same


def test_a_changed_entry_is_named(rolling: Tiny) -> None:
    change(rolling, "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'gate', 'gaze') AS BLOB) WHERE seq = 1")
    told = ledger.verify(rolling.workspace, None)
    assert not told.ok
    assert any("entry 2" in problem for problem in told.problems)


def test_an_older_state_laid_back_is_not_the_fold(shipped: Tiny) -> None:
    for name in ("state.json", "state.map"):
        shutil.copy(shipped.workspace.home / name, shipped.at / name)
    posture.tighten(shipped.workspace, shipped.scope(), Named.KILLED, "bad", "ana")
    for name in ("state.json", "state.map"):
        shutil.copy(shipped.at / name, shipped.workspace.home / name)
    told = ledger.replay(shipped.workspace)
    assert not told.same
    assert "not the fold" in told.problem
    assert shipped.state().orders  # the next verb brings it up to the ledger


def test_damaged_state_is_told_and_rebuilt_from_the_ledger(shipped: Tiny) -> None:
    before = shipped.state()
    (shipped.workspace.home / "state.json").write_bytes(b"{}")
    told = ledger.replay(shipped.workspace)
    assert not told.same
    assert told.holds_digest == ""
    assert shipped.state() == before


def test_a_checkpoint_of_another_site_is_not_ours(shipped: Tiny) -> None:
    path = shipped.at / "other.txt"
    path.write_text("shipworthy/other\n3\nAAAA\n\n— shipworthy/other AAAA\n")
    assert not ledger.verify(shipped.workspace, path).ok


def test_a_ledger_that_was_cut_signs_nothing_more(rolling: Tiny) -> None:
    kept(rolling)
    change(rolling, CUT)
    with pytest.raises(CannotDecide, match="shorter than what was signed"):
        ledger.checkpoint(rolling.workspace)
