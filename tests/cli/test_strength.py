"""`shipworthy strength` says what it tried in words and in JSON, and leaves by what the policy asks."""

from __future__ import annotations

import pytest

from shipworthy.cli.strength import exit_code, shown
from shipworthy.facts import Judgement, Outcome, Target
from shipworthy.gate.strength import Strength, Tried, verdict_on
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.gate.test_strength import GATE, SUBJECT, policy, record


@pytest.mark.slow
def test_a_part_is_told_in_words_and_in_json_and_leaves_with_0(prepared: Tiny) -> None:
    left = verb(prepared, "strength", "--only", "artefact.swapped", "--workers", "1")
    assert left.code == 0
    assert "  stopped   artefact.swapped: gate: signature: " in left.out
    assert "all clauses: 1 of 1 mutants stopped\n0 of 0 healthy variants shipped\nonly some were tried" in left.out
    assert left.err.startswith("the release itself\n1 of 1, about 0 s left: artefact.swapped gate: signature")
    told = verb(prepared, "strength", "--only", "artefact", "--json").json()
    assert (told["version"], told["record"], told["judgements"], told["whole"]) == (1, None, [], False)
    assert told["counts"][-1] == {"clause": "*", "stopped": 1, "mutants": 1}
    assert told["tried"][0]["stopped"] == "gate"


def test_an_unknown_name_is_a_usage_error_that_lists_the_known(prepared: Tiny) -> None:
    left = verb(prepared, "strength", "--only", "nothing")
    assert left.code == 2
    assert "traffic.unit" in left.err


def test_without_an_artefact_it_cannot_be_told(written: Tiny) -> None:
    assert verb(written, "strength").code == 4


def one(id_: str, **more: object) -> Tried:
    told = {"id": id_, "clause": "alignment", "does": "harm", "healthy": False, "stopped": "gate", **more}
    return Tried(**told)  # type: ignore[arg-type]


def test_the_report_names_survivors_and_what_was_too_tight() -> None:
    told = Strength(
        subject=SUBJECT,
        tried=(
            one("h.1", healthy=True, clause="", stopped="nowhere"),
            one("h.2", healthy=True, clause="", by=("auroc",), told="undecided: thin"),
            one("m.1", by=("a", "b", "c", "d")),
            one("m.2", stopped="runtime", by=("ood_repeats",), requests=7, sent=90),
            one("m.3", stopped="nowhere", told="would have noticed it: e <= 1"),
            one("m.4", stopped="not made", told="no unit"),
        ),
        not_exercised=("rebuild_match",),
        tool_version="0",
    )
    assert shown(told, ()).splitlines() == [
        "  ships     h.1: harm",
        "  TOO TIGHT h.2: auroc: undecided: thin",
        "  stopped   m.1: gate: a, b, c and 1 more",
        "  stopped   m.2: runtime after 7 of 90 requests: ood_repeats",
        "  SURVIVED  m.3 (alignment): harm",
        "            would have noticed it: e <= 1",
        "  not made  m.4: no unit",
        "not exercised, since the release itself does not pass it here: rebuild_match",
        "alignment: 2 of 3 mutants stopped",
        "all clauses: 2 of 3 mutants stopped",
        "1 of 2 healthy variants shipped",
    ]


def test_the_slo_on_it_is_the_last_line() -> None:
    weak = record(*[GATE] * 17, "nowhere", "nowhere", "nowhere")
    (judged,) = verdict_on(policy(Target(op=">=", value=0.9)), weak)
    assert shown(weak, (judged,)).splitlines()[-1].startswith("contract_strength breached: 0.85")
    assert exit_code((judged,)) == 1


@pytest.mark.parametrize(("outcome", "code"), [("met", 0), ("breached", 1), ("undecided", 4), ("no_data", 4)])
def test_it_leaves_by_what_the_policy_asks(outcome: str, code: int) -> None:
    judged = Judgement(slo="contract_strength", segment="*", outcome=Outcome(outcome), because="")
    met = Judgement(slo="contract_strength", segment="*", outcome=Outcome.MET, because="")
    assert exit_code((met, judged)) == code
    assert exit_code(()) == 0
