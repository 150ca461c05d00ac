from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shipworthy.artifact.keys import load_public
from shipworthy.contract.contract import make_lock
from shipworthy.contract.drills import Drills
from shipworthy.contract.lock import Lock, read_lock, render_lock, terms_digest
from shipworthy.contract.on_call import OnCall
from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.errors import CannotDecide
from shipworthy.facts import PairedRows
from shipworthy.runtime.admission import verify_lock
from tests.contract.repository import whole

SHA = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    contract = whole(tmp_path_factory.mktemp("lock"))
    return make_lock(
        contract,
        contract.subject(SHA, SHA),
        '{"payload": "abc"}',
        bits={"tail.old": "01" * 300},
        paired=PairedRows(rows=SHA, scores="00ff" * 200),
        checkpoint="origin\n1\nroot\n",
    )


def test_a_lock_is_read_back_as_it_was_written(lock: Lock) -> None:
    text = render_lock(lock)
    assert read_lock(text) == (lock, ())
    assert render_lock(lock) == text


def test_a_lock_that_was_signed_before_its_younger_fields_were_there_still_holds() -> None:
    lock, problems = read_lock((Path(__file__).parent / "locks" / "before_drills.lock").read_bytes())
    assert lock is not None, problems
    key = load_public(lock.issuers.verdict)
    verify_lock(lock, key)
    for forged in (
        structs.replace(lock, drills=Drills(every="60d")),
        structs.replace(lock, review_queue=ReviewQueue(overflow="fallback")),
        structs.replace(lock, first_shipped="2027-01-04T09:00:00.000000Z"),
        structs.replace(lock, on_call=OnCall(commander="ana")),
    ):
        with pytest.raises(CannotDecide, match="not what was signed"):
            verify_lock(forged, key)


def test_what_a_lock_says_in_a_younger_field_cannot_be_taken_away(lock: Lock) -> None:
    said = structs.replace(lock, first_shipped="2027-01-04T09:00:00.000000Z", drills=Drills(every="7d"))
    assert terms_digest(structs.replace(said, first_shipped="")) != terms_digest(said)
    assert terms_digest(structs.replace(said, drills=Drills())) != terms_digest(said)


def test_a_lock_can_be_read_in_a_diff(lock: Lock) -> None:
    text = render_lock(lock)
    assert max(len(line) for line in text.splitlines()) < 240
    assert text.endswith("}\n")
    assert list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"stakes": "standard"', '"stakes": "standard",\n "stakes": "low"', "written twice"),
        ('"stakes": "standard"', '"stakes": "none"', "'none' is not allowed"),
        ('"checkpoint"', '"checkpiont"', "unknown key checkpiont"),
        ('"00ff', '"0zff', "not a row of 4-digit hex"),
        ('"value": 0.9', '"value": 0.8', "not the one that was judged"),
        ('"value": 0.9', '"value": NaN', "not a finite number"),
        ("lock@1", "lock@2", "is not allowed"),
        ("{", "", "not JSON"),
    ],
)
def test_a_lock_that_was_touched_is_refused(lock: Lock, old: str, new: str, told: str) -> None:
    text = render_lock(lock)
    assert old in text
    read, problems = read_lock(text.replace(old, new, 1))
    assert read is None
    assert any(told in problem.what for problem in problems), [str(one) for one in problems]


def test_the_terms_cover_everything_but_verdict_and_checkpoint(lock: Lock, tmp_path: Path) -> None:
    plain = json.loads(render_lock(lock))
    same = read_lock(json.dumps(plain | {"verdict": "other", "checkpoint": "other"}))[0]
    assert same is not None
    assert terms_digest(same) == terms_digest(lock)
    for key, value in (("stakes", "high"), ("people", []), ("pack", []), ("segment_keys", []), ("bits", {})):
        other = read_lock(json.dumps(plain | {key: value}))[0]
        assert other is not None
        assert terms_digest(other) != terms_digest(lock)


@given(st.text(max_size=120))
def test_arbitrary_text_gives_problems_and_never_raises(text: str) -> None:
    read, problems = read_lock(text)
    assert read is None
    assert problems
