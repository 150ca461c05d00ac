"""An incident in people's hands: opened, led, described without blame, shown with its clocks, kept as a file."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.cli.incident import _story
from shipworthy.contract.files.reader import read_manifest
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Named, Severity
from shipworthy.facts.incident import Factor, Harm, Reference, Task
from shipworthy.flows import incident as incidents
from shipworthy.flows import incident_file, ledger
from shipworthy.flows.incident_close import close
from shipworthy.flows.model import dataset_rows
from shipworthy.flows.site_state import open_site
from shipworthy.respond import incidents as records
from shipworthy.respond import playbook
from shipworthy.respond.moments import told
from shipworthy.runtime import incident_book
from tests.flows.incident_kit import FIRST, UNSEEN, led, opened, promote, rows_of
from tests.flows.tiny import MODEL, Tiny

ON_CALL = "on_call: {commander: sre, escalation: [{after: 5m, to: ben}, {after: 1h, to: dana}]}\nissuers:"
Changes = incidents.Changes


def by_hand(tiny: Tiny) -> str:
    scope = tiny.scope(segment="supplier=S2")
    return incidents.open_by_hand(
        tiny.workspace, "S2 is denied", Severity.SEV3, scope, "a caller told us", "ben", "user"
    ).id


def test_a_person_opens_an_incident_with_owner_and_clocks_from_now(denying: Tiny) -> None:
    name = by_hand(denying)
    one = incidents.show(denying.workspace, name).incident
    assert (one.id, one.status, one.owner, one.reporter, one.detected_by) == (name, "active", "chidi", "ben", "user")
    assert one.aware_at == one.reported_at == told(denying.clock())
    assert denying.entries()[-1].body["because"] == "a caller told us"
    assert ledger.replay(denying.workspace).problem == ""


@pytest.mark.parametrize(
    ("title", "segment", "person", "why"),
    [
        ("", "*", "ben", "says nothing"),
        ("x", "supplier", "ben", "not a segment"),
        ("x", "*", "mallory", "not one of the people"),
        ("x\x1b[1m", "*", "ben", "not plain text"),
    ],
)
def test_what_cannot_be_kept_is_refused(denying: Tiny, title: str, segment: str, person: str, why: str) -> None:
    scope = denying.scope(segment=segment)
    with pytest.raises(UsageError, match=why):
        incidents.open_by_hand(denying.workspace, title, Severity.SEV3, scope, "seen", person)
    assert incidents.listed(denying.workspace) == ()


@pytest.mark.parametrize(
    ("title", "because", "why"),
    [
        ("Chidi broke it", "seen", "--title: this names chidi"),
        ("denied", "Chidi did it", "--because: this names chidi"),
    ],
)
def test_an_incident_is_opened_without_blame(denying: Tiny, title: str, because: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        incidents.open_by_hand(denying.workspace, title, Severity.SEV2, denying.scope(), because, "ana")
    assert incidents.listed(denying.workspace) == ()
    assert "respond.incident_opened" not in denying.kinds()


def test_what_was_found_out_adds_up_and_each_change_is_one_entry(denying: Tiny) -> None:
    name = opened(denying)
    incidents.command(denying.workspace, name, "ana")
    first = Changes(
        description="Version 1 denies offices it does not know.",
        harm=Harm(type="rights", severity="major", groups=("claimants of new offices",)),
        refs=(Reference(catalogue="atlas", version="5.6.0", id="AML.T0015"),),
        factors=(Factor(kind="model", what="an unknown office counts as the worst office"),),
        tasks=(Task(what="call the claimants back", owner="ben"),),
        links=("https://example.org/thread",),
    )
    incidents.update(denying.workspace, name, first, "ana")
    incidents.update(denying.workspace, name, Changes(done=(1,), stable=True, scribe="ben", links=first.links), "ana")
    one = incidents.show(denying.workspace, name).incident
    assert (one.commander, one.scribe, one.status, one.revision) == ("ana", "ben", "stable", 5)
    assert one.tasks == (Task(what="call the claimants back", owner="ben", done=True),)
    assert one.links == first.links
    assert denying.entries()[-1].body["changed"] == ["scribe", "stable_at", "status", "tasks"]
    before = len(denying.entries())
    incidents.update(denying.workspace, name, Changes(scribe="ben"), "ana")  # says nothing new: no entry
    assert len(denying.entries()) == before
    assert ledger.replay(denying.workspace).problem == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (Changes(factors=(Factor(kind="procedure", what="Chidi pressed the button"),)), "this names chidi"),
        (Changes(factors=(Factor(kind="procedure", what="  "),)), "says nothing"),
        (Changes(harm=Harm(type="rights", severity="minor", groups=("dana",))), "this names dana"),
        (Changes(title="What Chidi broke"), "this names chidi"),
        (Changes(description="It was CHIDI's release."), "this names chidi"),
        (Changes(no_threat="only Ben pressed the button"), "this names ben"),
        (Changes(tasks=(Task(what="talk to Ana", owner="ana"),)), "this names ana"),
        (Changes(refs=(Reference(catalogue="atlas", version="5.6.0", id="AML.T9999"),)), "has no 'AML.T9999'"),
        (Changes(scribe="mallory"), "not one of the people"),
        (Changes(tasks=(Task(what="x", owner="nobody"),)), "nobody is, or has the role, 'nobody'"),
        (Changes(done=(1,)), "it has no tasks"),
        (Changes(reported=("AIA-99",)), "no rule 'AIA-99' is known"),
        (Changes(description="two\x00"), "not plain text"),
    ],
)
def test_what_blames_or_cannot_be_looked_up_is_refused_in_one_line(denying: Tiny, changes: Changes, why: str) -> None:
    name = opened(denying)
    before = len(denying.entries())
    with pytest.raises(UsageError, match=why) as problem:
        incidents.update(denying.workspace, name, changes, "ana")
    assert "\n" not in str(problem.value)
    assert len(denying.entries()) == before


def test_a_task_that_is_not_there_is_told_with_those_that_are(denying: Tiny) -> None:
    name = opened(denying)
    incidents.update(denying.workspace, name, Changes(tasks=(Task(what="call them", owner="ben"),)), "ana")
    with pytest.raises(UsageError, match="there is no task 2 — they count from 1 to 1"):
        incidents.update(denying.workspace, name, Changes(done=(2,)), "ana")


def test_one_person_turns_no_gate_and_stops_no_clock_by_lowering_what_was_said(mended: Tiny) -> None:
    incidents.update(mended.workspace, FIRST, Changes(harm=Harm(type="death", severity="severe")), "ana")
    lower = Changes(severity=Severity.SEV4, harm=Harm(type="none", severity="none"))
    one = incidents.update(mended.workspace, FIRST, lower, "chidi")
    assert (one.severity, one.gravest) == ("SEV4", "SEV2")
    shown = incidents.show(mended.workspace, FIRST)
    assert [clock.rule for clock in shown.clocks] == ["AIA-73.5"]
    assert "counts as SEV2: it was said to be that bad" in _story(shown)
    assert close(mended.workspace, FIRST, "chidi").refused[0].startswith("no report under AIA-73.5")
    path = mended.root / "robustness-pack.yaml"
    path.write_text(path.read_text().partition("\n  # From incidents")[0] + "\n")
    assert f"incident:{FIRST}" in {block.name for block in mended.judge().verdict.blocks}
    assert ledger.replay(mended.workspace).problem == ""


def test_a_bad_incident_that_somebody_calls_mild_is_warned_of_still(denying: Tiny) -> None:
    name = opened(denying)
    incidents.update(denying.workspace, name, Changes(severity=Severity.SEV4), "chidi")
    assert any(line.startswith(f"{name} (SEV2) has become no case") for line in denying.judge().verdict.warnings)


def test_show_tells_who_is_called_and_who_is_next(denying: Tiny) -> None:
    denying.edit("shipworthy.yaml", "issuers:", ON_CALL)
    with open_site(denying.workspace) as authority:
        scope = denying.scope("1", segment=UNSEEN)
        held = playbook.by_person("ana", scope, Named.SAFE_MODE, "ood_repeats: x", "ORD-1", denying.clock())
        bare = replace(held, order=replace(held.order, by="machine"), confirmed_by="")
        authority.tighten(bare)
        proposal = playbook.Proposal(bare, "ood_repeats", Severity.SEV2)
        name = incident_book.taken_up(authority, proposal, denying.clock(), "chidi")[0].id
    at = denying.clock()
    denying.clock.advance(301)
    shown = incidents.show(denying.workspace, name)
    assert shown.unconfirmed == ("ORD-1",)
    assert [(one.to, one.due) for one in shown.calls] == [("sre", True), ("ben", True), ("dana", False)]
    assert shown.next == f"dana at {told(at.replace(hour=at.hour + 1))}"
    assert shown.timeline[0].after == "+0 s"
    led(denying, name)
    told_ = close(denying.workspace, name, "chidi")
    assert "nobody has confirmed ORD-1" in told_.refused


def test_a_clock_that_nobody_met_keeps_it_open_until_it_is_reported(mended: Tiny) -> None:
    name = FIRST
    incidents.update(mended.workspace, name, Changes(harm=Harm(type="death", severity="severe")), "ana")
    (clock,) = incidents.show(mended.workspace, name).clocks
    assert (clock.rule, clock.state) == ("AIA-73.5", "running")
    assert close(mended.workspace, name, "chidi").refused == (f"no report under AIA-73.5, due {clock.due}",)
    incidents.update(mended.workspace, name, Changes(reported=("AIA-73.5",)), "ana")
    assert close(mended.workspace, name, "chidi").refused == ()


def test_nobody_signed_why_no_threat_is_new_so_it_stays_open(mended: Tiny) -> None:
    name = FIRST
    with open_site(mended.workspace) as authority:  # what somebody wrote into the record without a signature

        def forged(one: Any) -> Any:
            return records.update(one, threat_model_update="none, because I say so (ana)")

        incident_book.change(authority, "ana", "respond.incident_updated", name, forged)
    assert close(mended.workspace, name, "chidi").refused == (
        "no threat is bound to its case, and nobody signed why none is",
    )


def test_a_threat_that_is_bound_to_the_case_is_its_update(mended: Tiny) -> None:
    name = FIRST
    (mended.root / "threat-model.yaml").write_text(
        "schema: shipworthy/threat-model@1\nmodel: tiny-triage\ncreated: 2027-01-04\n"
        "assets: [{id: A1, kind: endpoint}]\nthreats:\n  - {id: T9, asset: A1, likelihood: 2, impact: 3,\n"
        '     treatment: test, bound_to: ["case:incident.unfamiliar-supplier"]}\n'
    )
    assert close(mended.workspace, name, "chidi").incident.threat_model_update == "T9"


def test_a_case_weakened_since_it_was_promoted_proves_nothing(mended: Tiny) -> None:
    name = FIRST
    text = (mended.root / "robustness-pack.yaml").read_text()
    head, mark, tail = text.partition("incident.unfamiliar-supplier")
    (mended.root / "robustness-pack.yaml").write_text(head + mark + tail.replace("target: 0.15", "target: 0.16", 1))
    told_ = close(mended.workspace, name, "chidi")
    assert told_.refused == ("incident.unfamiliar-supplier is not the one that was promoted",)
    red = {block.name: block.because for block in mended.judge().verdict.blocks}
    assert red[f"incident:{name}"] == "incident.unfamiliar-supplier: not as promoted"


def test_a_case_that_is_gone_from_the_pack_is_red_at_the_gate_and_cannot_close(mended: Tiny) -> None:
    name = FIRST
    path = mended.root / "robustness-pack.yaml"
    path.write_text(path.read_text().partition("\n  # From incidents")[0] + "\n")
    told_ = close(mended.workspace, name, "chidi")
    assert "incident.unfamiliar-supplier is not in the pack any more" in told_.refused
    assert "incident.unfamiliar-supplier does not fail on the incident's model: not run" in told_.refused
    blocks = [block for block in mended.judge().verdict.blocks if block.name == f"incident:{name}"]
    assert [block.exit_code for block in blocks] == [1]
    assert "not in the pack" in blocks[0].because


def test_a_bad_incident_without_a_case_is_a_warning_at_the_gate(denying: Tiny) -> None:
    name = opened(denying)
    assert any(line.startswith(f"{name} (SEV2) has become no case") for line in denying.judge().verdict.warnings)


def test_what_comes_back_reopens_the_incident_and_its_old_case_proves_nothing_new(mended: Tiny) -> None:
    name = FIRST
    done = close(mended.workspace, name, "chidi")
    assert done.notes == ("version 2 has not shipped yet: the gate has not passed it",)
    assert opened(mended) == name
    (one,) = incidents.listed(mended.workspace)
    assert (one.status, one.harm, one.closed_at, len(one.orders)) == ("active", None, "", 2)
    assert one.reopened[0].closed_at == done.incident.closed_at
    assert one.cases[0].fails_on.startswith("1@sha256:")
    assert mended.kinds()[-1] == "respond.incident_reopened"
    led(mended, name)
    assert "no case shows it since it came back: promote it first" in close(mended.workspace, name, "chidi").refused
    _, again = promote(mended.workspace, name, rows_of(mended), "chidi", 0.15)
    new = f"-{name.lower()}-2"
    assert [case.id.replace(new, "") for case in again] == [case.id for case in done.incident.cases]
    mended.prepare()
    twice = close(mended.workspace, name, "chidi").incident
    assert (twice.status, len(twice.cases), len(twice.reopened)) == ("closed", 6, 1)
    assert ledger.replay(mended.workspace).problem == ""


@pytest.mark.parametrize("learned", [False, True])
def test_without_a_declared_unit_rows_are_told_apart_by_what_is_in_them(denying: Tiny, learned: bool) -> None:
    denying.edit("shipworthy.yaml", "unit: visit\n", "")
    name = opened(denying, "supplier=S1", "error_rate")
    known = next(
        row for row in dataset_rows(denying.root, read_manifest(denying.root), "train") if row["supplier"] == "S1"
    )
    rows = rows_of(denying, "S1")  # ages and speeds that the training rows have, but not in these pairs
    text = rows.read_text().replace(",acme,S1,15,30,1\n", ",acme,S1,15,30.5,1\n")
    lines = [line for line in text.splitlines() if ".5," in line or line.startswith("visit")]
    if learned:
        lines.append(f"inc-x,acme,S1,{known['speed']},{known['age']},{known['label']}")
    rows.write_text("\n".join(lines) + "\n")
    promote(denying.workspace, name, rows, "chidi", 0.15)
    told_ = close(denying.workspace, name, "chidi")
    assert learned == any("incident.supplier-S1: rows of it were trained on" in reason for reason in told_.refused)


def test_the_file_says_what_the_ledger_says_or_is_refused(denying: Tiny) -> None:
    name = opened(denying)
    with pytest.raises(CannotDecide, match="no such file"):
        incident_file.check(denying.workspace, name)
    path = incident_file.export(denying.workspace, name)
    assert path == denying.root / "incidents" / f"{name}.yaml"
    assert incident_file.check(denying.workspace, name) == path
    incidents.command(denying.workspace, name, "ana")
    with pytest.raises(CannotDecide, match="not what the ledger says"):
        incident_file.check(denying.workspace, name)


def test_a_closed_incident_is_not_written_into(mended: Tiny) -> None:
    name = FIRST
    close(mended.workspace, name, "chidi")
    with pytest.raises(PolicySaysNo, match="it is closed"):
        incidents.command(mended.workspace, name, "ben")
    with pytest.raises(PolicySaysNo, match="it is closed"):
        incidents.update(mended.workspace, name, Changes(title="another"), "ben")


def test_the_model_named_in_a_scope_is_this_one(denying: Tiny) -> None:
    assert incidents.show(denying.workspace, by_hand(denying)).incident.scope.model == MODEL


def test_check_reads_the_files_of_incidents(denying: Tiny) -> None:
    name = opened(denying)
    path = incident_file.export(denying.workspace, name)
    _, before = denying.workspace.read()
    path.write_text(path.read_text().replace("severity: SEV2", "severity: SEV2\n  person: chidi"))
    _, after = denying.workspace.read()
    assert [problem.file for problem in after if problem not in before] == [f"incidents/{name}.yaml"]


def test_an_incident_whose_case_already_passes_on_its_own_model_cannot_close(mended: Tiny) -> None:
    name = opened(mended, "supplier=S1", "error_rate")
    promote(mended.workspace, name, rows_of(mended, "S1"), "chidi", 0.15)  # version 1 knows S1 and is right there
    led(mended, name)
    told_ = close(mended.workspace, name, "chidi")
    assert [(one.status, other.status) for one, other in zip(told_.before, told_.after, strict=True)] == [
        ("pass", "pass")
    ]
    assert told_.refused == (
        "incident.supplier-S1 does not fail on the incident's model: pass",
        "the deliberation note does not tell of it",
    )
