"""Results of other tools beside our own evidence: bound to this subject, and green only where the SLO says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.facts import Decision, Outcome
from shipworthy.flows.imported import FILE
from shipworthy.flows.imports import MAX_BYTES, import_results
from shipworthy.flows.note import stamp_note
from tests.cli.calls import verb
from tests.evaluate import foreign
from tests.flows.tiny import Tiny

SUITE = """  - name: unit_tests
    indicator: case_pass_rate
    clause: robustness
    objective: "What the team tests by hand keeps working."
    target: ">= 1.0"
    window: "rolling"
    action_on_breach: "route_to_human_review"
    ACCEPT
never_events:
"""
GOOD = foreign.junit('<testcase name="a"/><testcase name="b"/>')
BAD = foreign.junit('<testcase name="a"/><testcase name="b"><error/></testcase>')


def ask(tiny: Tiny, accept: str = "accept: [junit]") -> None:
    """Add an SLO that only imported results can feed, and make everything fresh again."""
    tiny.edit("robustness-pack.yaml", "severity: major", "severity: minor")
    tiny.edit("safety-slos.yaml", "never_events:\n", SUITE.replace("    ACCEPT\n", f"    {accept}\n" if accept else ""))
    stamp_note(tiny.root)
    tiny.evaluate()


def results(tiny: Tiny, raw: bytes) -> Path:
    """Write a results file outside the repository."""
    path = tiny.at / "results"
    path.write_bytes(raw)
    return path


def row(tiny: Tiny) -> tuple[Outcome, str]:
    """Return what the gate says of the SLO."""
    one = next(one for one in tiny.judge().verdict.judgements if one.slo == "unit_tests")
    return one.outcome, one.because


def keep_only_imports(tiny: Tiny) -> None:
    """Point the SLO at an indicator that nothing of ours measures in this repository."""
    tiny.edit("safety-slos.yaml", "indicator: case_pass_rate", "indicator: rebuild_match")
    stamp_note(tiny.root)
    tiny.evaluate()


def test_an_accepted_import_turns_the_row_green_and_the_release_ships(prepared: Tiny) -> None:
    ask(prepared)
    keep_only_imports(prepared)
    assert row(prepared) == (Outcome.NO_DATA, "no measurement")
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    assert row(prepared)[0] is Outcome.MET
    assert prepared.judge().verdict.decision is Decision.SHIP
    prepared.ship()


def test_an_import_nobody_accepted_stays_no_data(prepared: Tiny) -> None:
    ask(prepared, "accept: [garak]")
    keep_only_imports(prepared)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    assert row(prepared) == (Outcome.NO_DATA, "imported result, not accepted: add accept: [junit] to the SLO")
    assert prepared.judge().verdict.decision is Decision.UNDECIDED


def test_a_bad_import_beside_a_good_measurement_blocks(prepared: Tiny) -> None:
    ask(prepared)
    assert row(prepared)[0] is Outcome.MET
    import_results(prepared.workspace, results(prepared, BAD), "junit", "unit_tests")
    assert row(prepared)[0] is Outcome.BREACHED
    assert prepared.judge().verdict.decision is Decision.BLOCKED


def test_the_last_run_counts_not_the_best(prepared: Tiny) -> None:
    ask(prepared)
    keep_only_imports(prepared)
    for raw, outcome in ((GOOD, Outcome.MET), (BAD, Outcome.BREACHED), (GOOD, Outcome.MET)):
        import_results(prepared.workspace, results(prepared, raw), "junit", "unit_tests")
        assert row(prepared)[0] is outcome
    raw = foreign.dump(foreign.promptfoo(1))
    import_results(prepared.workspace, results(prepared, raw), "promptfoo", "unit_tests")
    path = prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / FILE
    assert len(path.read_bytes().splitlines()) == 2  # one a format


def test_the_same_file_gives_the_same_bytes(prepared: Tiny) -> None:
    ask(prepared)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    path = prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / FILE
    before = path.read_bytes()
    prepared.clock.advance(86_400)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    assert path.read_bytes() == before


def test_imports_for_another_policy_are_not_used_and_the_report_says_so(prepared: Tiny) -> None:
    ask(prepared)
    keep_only_imports(prepared)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    prepared.edit("safety-slos.yaml", "keeps working.", "keeps on working.")
    stamp_note(prepared.root)
    prepared.evaluate()
    assert row(prepared) == (Outcome.NO_DATA, "no measurement")
    assert any("junit results for unit_tests are of another" in told for told in prepared.judge().verdict.warnings)


def test_an_import_edited_by_hand_decides_nothing(prepared: Tiny) -> None:
    ask(prepared)
    keep_only_imports(prepared)
    import_results(prepared.workspace, results(prepared, BAD), "junit", "unit_tests")
    path = prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / FILE
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"value":0.5', b'"value":1.0'))
    assert path.read_bytes() != raw
    assert prepared.judge().verdict.decision is not Decision.SHIP
    path.write_bytes(b"{}\n")
    with pytest.raises(CannotDecide):
        prepared.judge()


@pytest.mark.parametrize(
    ("slo", "segment"),
    [(None, "*"), ("unit_test", "*"), ("decision_ece_7d", "*"), ("ood_repeats", "*"), ("unit_tests", "tenant=acme")],
    ids=["none", "unknown", "interval", "run-time-only", "segment"],
)
def test_results_need_an_slo_that_can_be_fed(prepared: Tiny, slo: str | None, segment: str) -> None:
    ask(prepared)
    with pytest.raises(UsageError) as told:
        import_results(prepared.workspace, results(prepared, GOOD), "junit", slo, segment)
    assert told.value.fix
    assert not list(prepared.root.glob(f".shipworthy/evidence/*/{FILE}"))


def test_a_file_too_large_is_refused(prepared: Tiny) -> None:
    path = prepared.at / "large"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(CannotDecide, match="larger"):
        import_results(prepared.workspace, path, "junit", "error_rate")


def test_an_empty_file_of_results_is_no_data(prepared: Tiny) -> None:
    ask(prepared)
    keep_only_imports(prepared)
    import_results(prepared.workspace, results(prepared, foreign.junit("")), "junit", "unit_tests")
    assert row(prepared) == (Outcome.NO_DATA, "0 samples, 1 needed")


@pytest.mark.parametrize("accept", ["accept: [junit, xml]", "accept: [true]"])
def test_an_unknown_format_is_refused_by_check(prepared: Tiny, accept: str) -> None:
    prepared.edit("safety-slos.yaml", "never_events:\n", SUITE.replace("ACCEPT", accept))
    with pytest.raises(ContractError, match="accept"):
        prepared.workspace.contract()


def test_what_cannot_be_counted_cannot_be_accepted(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "  - name: decision_ece_7d\n", "  - name: decision_ece_7d\n    accept: [junit]\n")
    with pytest.raises(ContractError, match="cannot be imported"):
        prepared.workspace.contract()


def test_two_tools_may_feed_one_slo_and_the_worse_decides(prepared: Tiny) -> None:
    ask(prepared, "accept: [imported]")
    keep_only_imports(prepared)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    import_results(
        prepared.workspace, results(prepared, foreign.dump(foreign.promptfoo(0, 0))), "promptfoo", "unit_tests"
    )
    assert row(prepared)[0] is Outcome.MET
    assert prepared.judge().verdict.blocks == ()
    import_results(prepared.workspace, results(prepared, BAD), "junit", "unit_tests")
    assert row(prepared)[0] is Outcome.BREACHED


def test_high_stakes_accept_no_imports(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "never_events:\n", SUITE.replace("ACCEPT", "accept: [imported]"))
    prepared.edit("shipworthy.yaml", "stakes: standard", "stakes: high")
    left = verb(prepared, "check")
    assert left.code == 3
    assert "high stakes accept no imported results: unit_tests" in left.err


def test_the_verb_says_what_it_read(prepared: Tiny) -> None:
    ask(prepared)
    path = str(results(prepared, BAD))
    left = verb(prepared, "import", path, "--format", "junit", "--slo", "unit_tests")
    assert (left.code, left.out) == (0, "unit_tests: 1 passed, 0 failed, 1 errors, 0 skipped (self_attested)\n")
    left = verb(prepared, "import", path, "--format", "junit", "--slo", "unit_tests", "--json")
    assert set(left.json()) == {"version", "imported"}
    left = verb(prepared, "import", path, "--format", "garak", "--slo", "unit_tests")
    assert left.code == 4
    assert len(left.err.splitlines()) == 1


@pytest.mark.parametrize(
    "spoil", [(b'"source":"imported"', b'"source":"offline"'), (b'"slo":"unit_tests"', b'"slo":null')]
)
def test_a_result_without_its_origin_is_no_import(prepared: Tiny, spoil: tuple[bytes, bytes]) -> None:
    ask(prepared)
    import_results(prepared.workspace, results(prepared, GOOD), "junit", "unit_tests")
    (path,) = prepared.root.rglob(FILE)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(*spoil))
    assert path.read_bytes() != raw
    with pytest.raises(CannotDecide):
        prepared.judge()
