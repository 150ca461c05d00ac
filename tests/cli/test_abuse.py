"""`shipworthy abuse` as a shell sees it: rows, `<5`, one object, and an entry whatever becomes of the output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.facts import AbuseCount, AbuseKind
from shipworthy.observe.minutes import minute_of
from tests.cli.calls import verb
from tests.flows.test_abuse import refusing
from tests.flows.tiny import Tiny

ASKED = ("abuse", "--as", "ana", "--because", "INC-2027-0001")


def count(tiny: Tiny, **given: object) -> None:
    told: dict[str, object] = {
        "hour": minute_of(tiny.clock()) // 60, "tenant": "acme", "kind": AbuseKind.PROBING, "caller": "p-0123456789ab",
        "segment": "supplier=S1", "n": 12, "evidence": "e-1",
    }  # fmt: skip
    store = tiny.workspace.store()
    store.add_abuse([AbuseCount(**(told | given))], "one")  # type: ignore[arg-type]
    store.close()


def test_rows_are_printed_the_largest_first_and_the_rare_as_fewer_than_five(shipped: Tiny) -> None:
    count(shipped)
    count(shipped, kind=AbuseKind.FLOOD, n=900, segment="*")
    count(shipped, kind=AbuseKind.MALFORMED, n=4, caller="p-ffffffffffff")
    left = verb(shipped, *ASKED)
    assert left.code == 0
    head, flood, probing, rare, rows = left.out.splitlines()
    assert head == "2026-12-28T09Z to 2027-01-04T10Z, every tenant"
    assert flood.split() == ["900", "flood", "acme", "p-0123456789ab", "2027-01-04T09Z", "*", "e-1"]
    assert probing.split() == ["12", "probing", "acme", "p-0123456789ab", "2027-01-04T09Z", "supplier=S1", "e-1"]
    assert rare.split() == ["<5", "malformed", "acme", "*", "*", "*"]
    assert rows == "3 rows"
    assert "ffffffffffff" not in left.out
    assert shipped.kinds()[-1] == "observe.abuse_read"


def test_a_program_gets_one_object_with_nothing_rare_in_it(shipped: Tiny) -> None:
    count(shipped, n=3)
    count(shipped, kind=AbuseKind.FLOOD, n=9)
    told = verb(shipped, *ASKED, "--tenant", "acme", "--since", "2d", "--json").json()
    assert told["abuse"]["tenant"] == "acme"
    assert [(row["kind"], row["n"], row["caller"], row["hour"]) for row in told["abuse"]["rows"]] == [
        ("flood", 9, "p-0123456789ab", "2027-01-04T09Z"),
        ("probing", None, "*", None),
    ]


def test_a_segment_that_holds_control_characters_is_shown_plainly(shipped: Tiny) -> None:
    count(shipped, segment="state=\x1b[2J")
    assert "\x1b" not in verb(shipped, *ASKED).out


@pytest.mark.parametrize("args", [("abuse", "--as", "ana"), ("abuse", "--because", "x"), ("abuse",)])
def test_without_a_person_or_a_reason_nothing_is_read(shipped: Tiny, args: tuple[str, ...]) -> None:
    before = len(shipped.entries())
    assert verb(shipped, *args).code == 2
    assert len(shipped.entries()) == before


def test_who_may_not_hears_no_more_than_that(shipped: Tiny) -> None:
    count(shipped)
    left = verb(shipped, "abuse", "--as", "chidi", "--because", "curious")
    assert (left.code, left.out) == (1, "")


def test_with_the_ledger_dead_nothing_is_printed(shipped: Tiny) -> None:
    count(shipped)
    refusing(shipped)
    left = verb(shipped, *ASKED)
    assert (left.code, left.out) == (5, "")
    assert "p-" not in left.err


def test_the_read_is_on_record_though_its_output_goes_nowhere(shipped: Tiny) -> None:
    """Into a device that is full: the verb fails, the entry stands."""
    count(shipped)
    words = ("--root", str(shipped.root), "--home", str(shipped.workspace.home), *ASKED)
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "shipworthy", *words]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode != 0
    assert shipped.kinds()[-1] == "observe.abuse_read"
