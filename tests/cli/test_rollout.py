"""`shipworthy rollout` as people meet it: what it prints, how it leaves, and the commands of its page."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest

from shipworthy.deploy.plan import STAGE_SHOWN, StageShown
from shipworthy.facts import Judgement, Outcome, canonical
from shipworthy.flows import rollout
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.test_docs import BLOCK

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/rollout.md"
MET = Judgement(slo="error_rate", segment="*", outcome=Outcome.MET, because="all well")
SHORT = Judgement(slo="compare:errors", segment="*", outcome=Outcome.UNDECIDED, because="not yet shown", needs_n=400)


def leave(tiny: Tiny, *compared: Judgement) -> None:
    """Leave what a serving gateway would have judged just now."""
    shown = StageShown(
        rollout=tiny.rollout(), judgements=(MET,), compared=compared, samples=100, minutes=10, at=tiny.workspace.now()
    )
    store = tiny.workspace.store()
    store.put(STAGE_SHOWN, canonical(shown))
    store.close()


def test_the_status_says_where_it_stands_what_is_missing_and_who_may_advance(rolling: Tiny) -> None:
    leave(rolling, SHORT)
    lines = verb(rolling, "rollout", "status").out.splitlines()
    assert lines[0].endswith("(acme, 1 of 2): inconclusive")
    assert "version 2 over 1, stage 0 running, 100 % of units in acme" in lines[0]
    assert lines[1:] == [
        "  error_rate on *: met, all well",
        "  compare:errors on *: undecided, not yet shown",
        f"100 of 20 samples, 10 a minute; judged {rolling.workspace.now()}",
        "missing: compare:errors on * undecided: not yet shown",
        "needs about 400 more requests of the candidate, about 40 minutes",
        "advances: whoever has the role sre",
    ]
    told = verb(rolling, "rollout", "status", "--json").json()
    assert (told["word"], told["stage"], told["verdict"]["verdict"]) == ("inconclusive", "acme", "inconclusive")
    assert told["compared"][0]["needs_n"] == 400


def test_before_a_gateway_has_judged_it_the_status_says_so(rolling: Tiny) -> None:
    out = verb(rolling, "rollout", "status").out
    assert "(acme, 1 of 2): not judged" in out
    assert "judged not yet" in out
    rollout.abort(rolling.workspace, "ana")
    assert verb(rolling, "rollout", "status").out.count("\n") == 1


def test_a_stage_that_was_judged_elsewhere_is_listed_as_such(rolling: Tiny) -> None:
    leave(rolling, msgspec.structs.replace(SHORT, outcome=Outcome.NO_DATA, here=False))
    out = verb(rolling, "rollout", "status").out
    assert "compare:errors on *: not judged, not yet shown" in out
    assert "missing" not in out


def test_following_leaves_with_4_when_nothing_moves_and_with_1_when_it_was_aborted(rolling: Tiny) -> None:
    left = verb(rolling, "rollout", "status", "-w", "--timeout", "0")
    assert left.code == 4
    assert "nothing moved in 0 s" in left.err
    rollout.abort(rolling.workspace, "ana")
    left = verb(rolling, "rollout", "status", "-w", "--json")
    assert (left.code, left.json()["word"], left.err) == (1, "aborted", "")


def test_following_leaves_with_0_when_it_has_moved(rolling: Tiny) -> None:
    leave(rolling)
    rollout.advance(rolling.workspace, "ana")
    rollout.hold(rolling.workspace, "ana")
    leave(rolling)
    rollout.advance(rolling.workspace, "ana")
    left = verb(rolling, "rollout", "status", "--watch")
    assert left.code == 0
    assert "completed" in left.out


@pytest.mark.parametrize("args", [("--timeout", "-1"), ("--timeout", "soon")])
def test_a_time_that_is_none_is_refused(rolling: Tiny, args: tuple[str, ...]) -> None:
    assert verb(rolling, "rollout", "status", "-w", *args).code == 2


def test_every_command_of_the_page_runs(rolling: Tiny) -> None:
    """In its order; what a gateway would do between two of them is done here."""
    rollout.abort(rolling.workspace, "ana")
    commands = [line for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) for line in block.splitlines()]
    assert len(commands) >= 8
    for line in commands:
        words = shlex.split(line)[1:]
        if rolling.rollout().status != "aborted":
            leave(rolling)
        expected = 0
        if "-w" in words:
            words[words.index("600")] = "0"  # nobody moves it here
            expected = 4
        left = verb(rolling, *words)
        assert left.code == expected, (line, left.err)
    assert rolling.rollout().status == "aborted"
