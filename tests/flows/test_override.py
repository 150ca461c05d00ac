"""Break glass, from the request to the release: two people, exactly this verdict, everything in the ledger."""

from __future__ import annotations

import base64
import json
import shutil

import msgspec
import pytest

from shipworthy.artifact.files.keys import PERSON, PUBLIC_OF
from shipworthy.artifact.vsa import VSA_PREDICATE
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Decision
from shipworthy.flows.override import holding, standing
from shipworthy.flows.report import report
from shipworthy.flows.ship import ship
from shipworthy.gate.verdict import exit_code
from shipworthy.govern.overrides import granted_in
from shipworthy.runtime.admission import LEVEL as PASSED
from shipworthy.runtime.overridden import FILE, LEVEL, Ended
from shipworthy.runtime.releases import load
from tests.flows.overriding import DAY, approve, ask, overridden, worse
from tests.flows.tiny import Tiny


def test_two_people_let_a_blocked_release_through_and_the_verdict_stays_what_it_is(shipped: Tiny) -> None:
    before = (shipped.root / "shipworthy.lock").read_bytes()
    name = overridden(shipped)
    judged = ship(shipped.workspace, name)
    assert judged.verdict.decision is Decision.BLOCKED
    assert exit_code(judged.verdict) == 1
    assert judged.released_under == name
    assert (shipped.root / "shipworthy.lock").read_bytes() == before
    assert load(shipped.workspace.releases / "2", shipped.workspace.now()).override is not None
    assert shipped.state().baseline == "1"


def test_every_step_stands_in_the_ledger(shipped: Tiny) -> None:
    name = overridden(shipped)
    asked, approved, decided, released = shipped.entries()[-4:]
    assert [one.kind for one in (asked, approved, decided, released)] == [
        "govern.override_requested", "govern.override_approved", "gate.decided", "gate.overridden",
    ]  # fmt: skip
    assert (asked.actor, approved.actor) == ("ana", "ben")
    assert decided.body["decision"] == "blocked"
    assert released.body["override"]["override"]["id"] == name
    assert "gate.shipped" not in [one.kind for one in shipped.entries()[3:]]


def test_where_nobody_could_approve_it_nothing_is_asked(written: Tiny) -> None:
    written.edit("shipworthy.yaml", "roles: [reviewer], key", "roles: [sre], key")
    written.prepare()
    written.ship()
    worse(written)
    with pytest.raises(PolicySaysNo, match="has no reviewer beside dana: nobody could approve this"):
        ask(written, "dana")
    assert not any(kind.startswith("govern.override") for kind in written.kinds())


def test_it_covers_all_that_is_red_by_name(shipped: Tiny) -> None:
    worse(shipped)
    assert ask(shipped).override.covers == ("decision_ece_7d vs baseline on *",)


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "github", "sarif", "junit"])
def test_every_report_shows_it_while_it_holds(shipped: Tiny, format_: str) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    assert name not in report(shipped.judge(), format_)
    approve(shipped, name)
    for part in (name, "ana and ben", "ben reads every denial", "acme"):
        assert part in report(shipped.judge(), format_)
    shipped.clock.advance(2 * DAY)
    assert name not in report(shipped.judge(), format_)


def test_the_report_of_another_version_shows_it_too(shipped: Tiny) -> None:
    name = overridden(shipped)
    shipped.release("3", slope=0.5)
    judged = shipped.judge()
    assert judged.verdict.decision is Decision.SHIP
    assert [name in line for line in judged.verdict.overrides] == [True]


def test_the_person_who_asked_cannot_approve(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped, "dana").override.id
    with pytest.raises(PolicySaysNo, match="different people"):
        approve(shipped, name, "dana")
    assert shipped.kinds()[-1] == "govern.override_requested"
    approve(shipped, name, "ben")
    assert ship(shipped.workspace, name).released_under == name


def test_somebody_elses_key_does_not_sign(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    people = shipped.workspace.keys / "people"
    for file in (PERSON, PUBLIC_OF[PERSON]):
        shutil.copyfile(people / "ana" / file, people / "ben" / file)
    with pytest.raises(PolicySaysNo, match="not the key of ben"):
        approve(shipped, name, "ben")


@pytest.mark.parametrize(("person", "error"), [("chidi", PolicySaysNo), ("ben", PolicySaysNo), ("eve", UsageError)])
def test_who_may_ask(shipped: Tiny, person: str, error: type[Exception]) -> None:
    worse(shipped)
    with pytest.raises(error):
        ask(shipped, person)
    assert "govern.override_requested" not in shipped.kinds()


def test_whoever_edits_the_working_copy_does_not_become_an_approver(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    shipped.edit("shipworthy.yaml", "roles: [ml], key", "roles: [ml, reviewer], key")
    with pytest.raises(PolicySaysNo, match="does not have the role reviewer"):
        approve(shipped, name, "chidi")


def test_an_edited_lock_names_no_approver(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    text = (shipped.root / "shipworthy.lock").read_text()
    edited = text.replace('"ml"', '"reviewer"')
    assert edited != text
    (shipped.root / "shipworthy.lock").write_text(edited)
    with pytest.raises(CannotDecide, match="not what was signed"):
        approve(shipped, name, "chidi")
    assert shipped.judge().held == ()


def test_it_brings_no_people_of_its_own(shipped: Tiny) -> None:
    shipped.edit("shipworthy.yaml", "roles: [operator, reviewer], key", "roles: [reviewer], key")  # no loosening, even
    worse(shipped)
    with pytest.raises(PolicySaysNo, match="other people"):
        ask(shipped)


def test_a_breach_of_a_never_event_is_never_let_through(shipped: Tiny) -> None:
    worse(shipped, slope=0.2)
    with pytest.raises(PolicySaysNo, match="never_event_violations is never overridden"):
        ask(shipped)
    assert "govern.override_requested" not in shipped.kinds()


def test_a_broken_signature_is_not_overridden(shipped: Tiny) -> None:
    worse(shipped)
    (shipped.root / "model/model.sig").unlink()
    with pytest.raises(PolicySaysNo, match="cannot be overridden"):
        ask(shipped)


def test_a_lock_that_was_edited_is_not_overridden(shipped: Tiny) -> None:
    worse(shipped)
    shipped.edit("shipworthy.lock", '"kill_fallback": "human_review"', '"kill_fallback": "nobody"')
    with pytest.raises(PolicySaysNo, match=r"lock: .*cannot be overridden"):
        ask(shipped)


def test_a_first_release_is_not_overridden(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    with pytest.raises(PolicySaysNo, match="first release"):
        ask(prepared)


def test_another_verdict_needs_another_override(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    approve(shipped, name)
    shipped.release("2", slope=0.29)
    with pytest.raises(PolicySaysNo, match="another subject"):
        ship(shipped.workspace, name)
    assert not (shipped.workspace.releases / "2").exists()
    assert shipped.kinds()[-1] == "gate.decided"


@pytest.mark.parametrize("step", ["nobody approved", "it is over", "nobody asked"])
def test_an_override_that_does_not_hold_ships_nothing(shipped: Tiny, step: str) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    if step != "nobody approved":
        approve(shipped, name)
    if step == "it is over":
        shipped.clock.advance(2 * DAY)
    with pytest.raises(PolicySaysNo, match="no such override holds"):
        ship(shipped.workspace, "OVR-2027-0009" if step == "nobody asked" else name)
    assert not (shipped.workspace.releases / "2").exists()


def test_without_being_named_it_lets_nothing_through(shipped: Tiny) -> None:
    worse(shipped)
    approve(shipped, ask(shipped).override.id)
    assert ship(shipped.workspace).released_under == ""
    assert not (shipped.workspace.releases / "2").exists()


def test_it_lasts_at_most_fourteen_days(shipped: Tiny) -> None:
    worse(shipped)
    with pytest.raises(PolicySaysNo, match="within 14 days"):
        ask(shipped, lasts_s=14 * DAY + 1)
    ask(shipped, lasts_s=14 * DAY)


def test_a_request_that_waited_too_long_is_over(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    shipped.clock.advance(2 * DAY)
    with pytest.raises(PolicySaysNo, match="ended at"):
        approve(shipped, name)


def test_approving_twice_is_approving_once(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    assert approve(shipped, name) == approve(shipped, name)
    assert shipped.kinds().count("govern.override_approved") == 1


def test_a_version_that_passed_is_not_replaced_by_one_that_did_not(rolling: Tiny) -> None:
    worse(rolling)
    name = ask(rolling).override.id
    approve(rolling, name)
    with pytest.raises(PolicySaysNo, match="new version"):
        ship(rolling.workspace, name)
    assert load(rolling.workspace.releases / "2").override is None


def test_what_passes_later_is_a_release_like_any_other(shipped: Tiny) -> None:
    overridden(shipped)
    shipped.edit("safety-slos.yaml", "<= 0.30", "<= 0.29")  # nothing of the artefact: another bar
    shipped.release("3", slope=0.5)
    shipped.ship()
    one = load(shipped.workspace.releases / "3")
    assert one.override is None
    assert not (one.folder / FILE).exists()


def test_asking_for_a_passed_verdict_gets_none(shipped: Tiny) -> None:
    overridden(shipped)
    with pytest.raises(CannotDecide, match="not enough here"):
        load(shipped.workspace.releases / "2")
    kept = json.loads((shipped.workspace.releases / "2" / FILE).read_text())
    payload = json.loads(base64.b64decode(json.loads(kept["verdict"])["payload"]))
    assert payload["predicateType"] == VSA_PREDICATE
    assert payload["predicate"]["verifiedLevels"] == [LEVEL]
    assert PASSED not in json.dumps(payload)


def test_it_is_admitted_only_while_it_holds(shipped: Tiny) -> None:
    overridden(shipped)
    folder = shipped.workspace.releases / "2"
    with pytest.raises(CannotDecide, match="begins at"):
        load(folder, "2027-01-01T00:00:00.000000Z")
    shipped.clock.advance(2 * DAY)
    with pytest.raises(Ended):
        load(folder, shipped.workspace.now())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"tenants":["acme"]', '"tenants":["*"]'),
        ('"share_bp":10000', '"share_bp":9999'),
        ("ben reads every denial", "nobody reads any denial"),
        ('"person":"ben"', '"person":"dana"'),
        ('"until":"2027-01-06', '"until":"2027-01-07'),
        ('"version":"2"', '"version":"3"'),
    ],
)
def test_an_override_that_was_altered_admits_nothing(shipped: Tiny, old: str, new: str) -> None:
    overridden(shipped)
    path = shipped.workspace.releases / "2" / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CannotDecide):
        load(path.parent, shipped.workspace.now())


@pytest.mark.parametrize("file", ["model/weights.json", "safety-slos.yaml", "shipworthy.lock", "shipworthy.yaml"])
def test_a_release_under_an_override_is_not_changed_either(shipped: Tiny, file: str) -> None:
    overridden(shipped)
    path = shipped.workspace.releases / "2" / file
    text = path.read_text()
    changed = {
        "safety-slos.yaml": text.replace("<= 0.30", "<= 0.90"),
        "shipworthy.lock": text.replace('"kill_fallback": "human_review"', '"kill_fallback": "nobody"'),
        "shipworthy.yaml": text.replace("roles: [ml], key", "roles: [ml, reviewer], key"),
    }.get(file, text + "\n")
    assert changed != text
    path.write_text(changed)
    with pytest.raises(CannotDecide):
        load(shipped.workspace.releases / "2", shipped.workspace.now())


def test_a_release_under_an_override_is_still_a_signed_one(shipped: Tiny) -> None:
    overridden(shipped)
    (shipped.workspace.releases / "2/model/model.sig").unlink()
    with pytest.raises(CannotDecide, match="not signed"):
        load(shipped.workspace.releases / "2", shipped.workspace.now())


def test_an_override_of_one_release_does_not_admit_another(shipped: Tiny) -> None:
    overridden(shipped)
    folder = shipped.workspace.releases
    shutil.copytree(folder / "1", folder / "9")
    shutil.copyfile(folder / "2" / FILE, folder / "9" / FILE)
    with pytest.raises(CannotDecide):
        load(folder / "9", shipped.workspace.now())


def test_the_gates_own_key_must_have_signed_it(shipped: Tiny) -> None:
    overridden(shipped)
    path = shipped.workspace.releases / "2" / FILE
    kept = json.loads(path.read_text())
    envelope = json.loads(kept["verdict"])
    envelope["signatures"][0]["sig"] = "A" * 86 + "=="
    path.write_text(json.dumps(kept | {"verdict": json.dumps(envelope)}))
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        load(path.parent, shipped.workspace.now())


def test_the_list_says_where_each_one_stands(shipped: Tiny) -> None:
    name = overridden(shipped, lasts_s=DAY)
    ask(shipped)
    lock = shipped.workspace.contract().lock
    assert [one.status for one in standing(shipped.workspace, lock)] == ["holds", "asked"]
    shipped.clock.advance(DAY)
    found = standing(shipped.workspace, lock)
    assert [one.status for one in found] == ["over", "asked"]
    assert found[0].granted.override.id == name
    assert "ended" in found[0].waits


def test_a_signature_in_the_ledger_that_is_not_theirs_counts_for_nothing(shipped: Tiny) -> None:
    worse(shipped)
    one = ask(shipped)
    lock = shipped.workspace.contract().lock
    ben = msgspec.structs.replace(one.approvals[0], person="ben", role="reviewer")
    forged = msgspec.structs.replace(one, approvals=(*one.approvals, ben))
    assert holding([forged], lock, "tiny-triage", shipped.workspace.now()) == ()
    assert holding([approve(shipped, one.override.id)], lock, "other", shipped.workspace.now()) == ()
    assert len(holding(granted_in(shipped.entries()), lock, "tiny-triage", shipped.workspace.now())) == 1
    assert holding(granted_in(shipped.entries()), None, "tiny-triage", shipped.workspace.now()) == ()
