"""`shipworthy decide` from a shell: what it prints and how it leaves."""

from __future__ import annotations

from tests.cli.calls import verb
from tests.flows.tiny import Tiny


def test_a_decision_is_recorded_listed_and_taken_back_by_two(shipped: Tiny) -> None:
    shipped.release("2")
    made = verb(shipped, "decide", "record", "do-not-deploy", "--version", "2", "--because", "no", "--as", "chidi")
    assert (made.code, made.out) == (0, "docs/decisions/0001-do-not-deploy-2.md: do-not-deploy holds\n")
    assert verb(shipped, "gate").code == 1
    listed = verb(shipped, "decide", "list", "--json").json()["standing"]
    assert [(one["id"], one["version"]) for one in listed] == [("0001-do-not-deploy-2", "2")]
    first = verb(shipped, "decide", "reverse", "0001-do-not-deploy-2", "--role", "reviewer", "--as", "ben")
    assert first.code == 1
    assert "signed by ben; needs reviewer and ml from different people" in first.out
    second = verb(shipped, "decide", "reverse", "0001-do-not-deploy-2", "--role", "ml", "--as", "chidi")
    assert (second.code, second.out) == (0, "docs/decisions/0002-reversal.md: signed by ben, chidi; it holds\n")
    assert verb(shipped, "decide", "list").out == "no decision stands against deployment\n"
    assert verb(shipped, "gate").code == 0


def test_a_loosening_is_allowed_from_a_shell(shipped: Tiny) -> None:
    shipped.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    shipped.release("2")
    assert verb(shipped, "gate").code == 1
    assert verb(shipped, "decide", "allow", "--role", "reviewer", "--as", "ben").code == 1
    assert verb(shipped, "decide", "allow", "--role", "ml", "--as", "chidi").code == 0
    assert verb(shipped, "gate").code == 0
    again = verb(shipped, "decide", "allow", "--role", "ml", "--as", "chidi")
    assert (again.code, again.out) == (2, "")
    assert "nothing is loosened" in again.err


def test_who_may_not_sign_is_told_in_one_line(shipped: Tiny) -> None:
    shipped.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    for words in (("--role", "ml", "--as", "ben"), ("--role", "reviewer", "--as", "mallory")):
        left = verb(shipped, "decide", "allow", *words)
        assert (left.code, left.out) == (1, "")
        assert left.err.count("\n") == 1
