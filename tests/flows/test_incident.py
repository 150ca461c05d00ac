"""An incident ends with proof: its cases fail on its model, pass on the fix, on rows that nobody trained on.

The incident: version 1 denies nearly everybody whose supplier it has never seen.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.flows import incident as incidents
from shipworthy.flows.evaluate import evaluate
from shipworthy.flows.evidence import read_evidence
from shipworthy.flows.gate import covered_values
from shipworthy.flows.incident_close import close
from shipworthy.observe.probes import replay
from shipworthy.runtime import releases
from shipworthy.runtime.learned import PROBES, probe_rows
from shipworthy.runtime.subject import artefact_digest
from tests.flows.incident_kit import FIRST, mend, opened, promote, promoted, rows_of
from tests.flows.tiny import Tiny

STRUCTURAL_RECALL = "ood_recall_structural"


def test_a_promoted_incident_writes_its_failure_into_the_pack(denying: Tiny) -> None:
    name = opened(denying)
    one, cases = promote(denying.workspace, name, rows_of(denying), "chidi", 0.15)
    assert [each.id for each in one.cases] == [case.id for case in cases]
    assert set(one.case_ids) == {case.id for case in cases if case.severity == "blocker"}
    known = {case.id: case for case in denying.workspace.contract().cases}
    assert all(known[case.id].source_incident == name for case in cases)
    assert (denying.root / "cases" / f"{cases[0].id}.csv.gz").is_file()
    assert denying.kinds()[-1] == "respond.incident_promoted"
    assert denying.judge().verdict.decision.value != "ship"  # the pack changed: note and evidence are of another one


def test_rows_of_a_promotion_are_the_same_bytes_each_time(denying: Tiny, tmp_path: Path) -> None:
    twin = denying.copy(tmp_path / "twin")
    for tiny in (denying, twin):
        promoted(tiny)
    for path in sorted((denying.root / "cases").iterdir()):
        assert path.read_bytes() == (twin.root / "cases" / path.name).read_bytes()


def test_a_failure_that_is_mended_and_told_closes(mended: Tiny) -> None:
    name, denying = FIRST, mended
    told = close(denying.workspace, name, "chidi")
    assert told.refused == ()
    assert told.incident.status == "closed"
    by_case = {one.case: one.status for one in told.before}
    assert {by_case[case] for case in told.incident.case_ids} == {"fail"}
    assert {one.status for one in told.after} == {"pass"}
    assert denying.kinds()[-1] == "respond.incident_closed"


def test_an_incident_whose_model_still_fails_stays_open(denying: Tiny) -> None:
    name = promoted(denying)
    denying.release("2", unknown=-7)
    told = close(denying.workspace, name, "chidi")
    assert told.incident.status == "active"
    assert any("does not pass on the fix" in reason for reason in told.refused)
    assert any("note does not tell" in reason for reason in told.refused)
    assert "respond.incident_closed" not in denying.kinds()


def test_the_model_of_the_incident_cannot_be_its_own_fix(denying: Tiny) -> None:
    name = promoted(denying)
    told = close(denying.workspace, name, "chidi")
    assert any("same artefact twice" in reason for reason in told.refused)
    assert any("same version" in reason for reason in told.refused)


def test_a_note_that_only_copies_the_old_one_closes_nothing(denying: Tiny) -> None:
    name = promoted(denying)
    denying.release("2", unknown=0)
    told = close(denying.workspace, name, "chidi")
    assert told.refused == ("the deliberation note does not tell of it",)


def test_rows_that_were_trained_on_prove_nothing(denying: Tiny) -> None:
    name = opened(denying)
    path = rows_of(denying)
    path.write_text(path.read_text().replace("inc-0,", "train-0,"))
    promote(denying.workspace, name, path, "chidi", 0.15)
    mend(denying, name)
    told = close(denying.workspace, name, "chidi")
    assert any("trained on" in reason for reason in told.refused)


def test_an_incident_that_was_not_promoted_does_not_close(denying: Tiny) -> None:
    name = opened(denying)
    mend(denying, name)
    told = close(denying.workspace, name, "chidi")
    assert any("promote it first" in reason for reason in told.refused)


def test_a_fix_that_is_not_signed_is_not_looked_at(denying: Tiny) -> None:
    name = promoted(denying)
    (denying.root / "model/model.sig").unlink()
    with pytest.raises(CannotDecide, match="not signed"):
        close(denying.workspace, name, "chidi")


def test_the_same_incident_is_not_promoted_into_the_pack_twice(denying: Tiny) -> None:
    name = promoted(denying)
    with pytest.raises(ContractError, match="already"):
        promote(denying.workspace, name, rows_of(denying), "chidi", 0.15)


@pytest.mark.parametrize(("supplier", "label"), [("S1", "1"), ("S9", "")])
def test_rows_without_an_unknown_supplier_or_a_label_are_none(denying: Tiny, supplier: str, label: str) -> None:
    name = opened(denying)
    pack = (denying.root / "robustness-pack.yaml").read_bytes()
    with pytest.raises(UsageError, match="no labelled row"):
        promote(denying.workspace, name, rows_of(denying, supplier, 10, label), "chidi", 0.15)
    assert (denying.root / "robustness-pack.yaml").read_bytes() == pack


def accept(tiny: Tiny, before: str, *values: str) -> frozenset[str]:
    """Accept suppliers, build and measure; return which of them an incident's rows cover."""
    now = f"type: category, accepted: [{', '.join(values)}]}}"
    tiny.edit("shipworthy.yaml", f"type: category{before}}}", now)
    tiny.prepare()
    contract = tiny.workspace.contract()
    evidence = read_evidence(tiny.workspace, artefact_digest(tiny.root / "model"))
    return covered_values(tiny.workspace, contract, evidence)


def test_a_row_added_to_a_promoted_case_covers_nothing(denying: Tiny) -> None:
    mend(denying, promoted(denying))
    assert accept(denying, "", "S9") == {"supplier=S9"}
    (path,) = (denying.root / "cases").iterdir()
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"S8,15,30,1,inc-0\n", mtime=0))
    assert accept(denying, ", accepted: [S9]", "S9", "S8") == set()


def test_strangers_and_unknown_incidents_are_told(denying: Tiny) -> None:
    name = opened(denying)
    with pytest.raises(UsageError, match="not one of the people"):
        promote(denying.workspace, name, rows_of(denying), "mallory", 0.15)
    with pytest.raises(UsageError, match="no incident"):
        close(denying.workspace, "INC-2027-9999", "chidi")


def test_the_timeline_comes_from_the_ledger(denying: Tiny) -> None:
    name = promoted(denying)
    told = incidents.show(denying.workspace, name)
    assert [one.id for one in incidents.listed(denying.workspace)] == [name]
    said = [line.what for line in told.timeline]
    assert said[0].startswith("ordered safe_mode")
    assert "opened the incident: ood" in said
    assert "promoted to a pack case" in said


def test_the_rows_of_a_promoted_incident_probe_the_live_detector_until_its_values_are_accepted(denying: Tiny) -> None:
    before = probe_rows(releases.opened(denying.root, denying.workspace.contract()))
    assert {kind: len(rows) for kind, rows in before.items() if kind in ("swap", "shuffle")} == {
        "swap": PROBES,
        "shuffle": PROBES,
    }
    assert before["incident"] == before["hidden_cohort"] == []
    promoted(denying)
    denying.edit("shipworthy.yaml", "  test: {", "  hidden_cohort: {path: data/rows.csv, where: 'age > 75'}\n  test: {")
    live = releases.opened(denying.root, denying.workspace.contract())
    made = probe_rows(live)
    assert {row["supplier"] for row in made["incident"]} == {"S9"}
    assert len(made["incident"]) == 80
    assert {float(row["age"] or 0) > 75 for row in made["hidden_cohort"]} == {True}
    flagged = replay(made, live.scorer)
    assert flagged["incident"] == (80, 80)
    denying.edit("shipworthy.yaml", "type: category}", "type: category, accepted: [S9]}")
    assert probe_rows(releases.opened(denying.root, denying.workspace.contract()))["incident"] == []


def test_the_pack_measures_recall_on_the_rows_of_incidents(denying: Tiny) -> None:
    promoted(denying)
    evidence, _ = evaluate(denying.workspace, lambda text: None)
    parts = {one.part: one for one in evidence.measurements if one.indicator == STRUCTURAL_RECALL}
    assert (parts["incident"].n, parts["incident"].value) == (80, 1.0)
    assert parts["hidden_cohort"].n == 0
