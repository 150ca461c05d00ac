"""An older lock is signed as well: only the ledger knows that another one shipped since, and it is asked."""

from __future__ import annotations

import shutil

import msgspec
import pytest

from shipworthy.facts import Subject
from shipworthy.flows import decide
from shipworthy.flows.last_shipped import older
from shipworthy.gate.verdict import exit_code
from tests.flows.tiny import Tiny


@pytest.fixture
def tightened(shipped: Tiny) -> Tiny:
    """Version 2 shipped under a stricter bar; the lock of version 1 is kept beside the repository."""
    shutil.copyfile(shipped.root / "shipworthy.lock", shipped.at / "old.lock")
    shipped.edit("safety-slos.yaml", "<= 0.30", "<= 0.20")
    shipped.release("2")
    shipped.ship()
    shipped.edit("safety-slos.yaml", "<= 0.20", "<= 0.30")
    shipped.release("3")
    return shipped


def lock_blocks(tiny: Tiny) -> list[str]:
    return [one.because for one in tiny.judge().verdict.blocks if one.name == "lock"]


def test_the_lock_of_an_earlier_release_does_not_bring_its_bar_back(tightened: Tiny) -> None:
    assert exit_code(tightened.judge().verdict) == 1  # the loosening is seen
    shutil.copyfile(tightened.at / "old.lock", tightened.root / "shipworthy.lock")
    tightened.evaluate()
    assert lock_blocks(tightened) == ["it is of version 1, and version 2 shipped since"]
    assert exit_code(tightened.judge().verdict) == 4


def test_what_people_forbade_since_does_not_count_and_the_report_says_whose_bar_it_is(tightened: Tiny) -> None:
    shutil.copyfile(tightened.at / "old.lock", tightened.root / "shipworthy.lock")
    tightened.evaluate()
    decide.record(tightened.workspace, "do-not-deploy", "2", "It was a mistake.", "ben")
    assert lock_blocks(tightened) == []
    assert "the bar is that of version 1: 2 has shipped and may not" in tightened.judge().verdict.warnings


def test_a_ledger_that_does_not_know_the_lock_says_so(shipped: Tiny) -> None:
    lock = shipped.workspace.contract().lock
    assert lock is not None
    other = [entry for entry in shipped.entries() if entry.kind == "gate.shipped"]
    assert older(lock, (), ()) == ((), "")
    assert other
    foreign: Subject = other[0].read(Subject, "subject")
    changed = msgspec.structs.replace(foreign, version="7")
    blocks, told = older(lock, (changed,), ())
    assert (blocks, told) == ((), "this ledger does not know that version 1, the lock's, has shipped")
