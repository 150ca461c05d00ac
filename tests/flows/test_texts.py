"""A text classifier out of a skops file goes through the real flows: built, evaluated, shipped and served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy import Guard
from shipworthy.errors import Unreachable
from shipworthy.facts import Decision
from shipworthy.flows.check import check
from shipworthy.flows.evidence import read_evidence
from shipworthy.models.offline import no_network
from shipworthy.runtime.subject import artefact_digest
from tests.flows.texts import write_texts
from tests.flows.tiny import Tiny
from tests.runtime.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
GENUINE = "could you tell me when the refund of policy P-12345 was paid"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    one = write_texts(tmp_path_factory.mktemp("texts") / "site")
    with no_network():
        one.prepare()
        one.ship()
    return one


def row(text: object, customer: str = "c1") -> dict[str, object]:
    return {"text": text, "agent": "Anna", "customer": customer}


def test_it_ships_on_evidence_about_texts(texts: Tiny) -> None:
    evidence = read_evidence(texts.workspace, artefact_digest(texts.root / "model"))
    assert evidence is not None
    cases = {one.case: one for one in evidence.cases}
    assert {name: one.status for name, one in cases.items()} == {
        "text.typos": "pass",
        "text.flips": "pass",
        "redteam.remark": "pass",
        "tail.agent": "pass",
        "ood.garbled": "pass",
        "backdoor": "pass",
    }
    assert "canary found first" in cases["backdoor"].because
    by_name = {(one.indicator, one.part): one for one in evidence.measurements}
    assert by_name["ood_recall", None].value == 1.0
    assert (by_name["ood_false_alarm", None].value or 0.0) < 0.02
    assert by_name["text_flip_rate", None].n == 60
    assert by_name["artefact_findings", None].value == 0
    assert texts.judge().verdict.decision is Decision.SHIP
    assert check(texts.root).problems == ()


def test_the_profile_beside_the_model_is_small_and_holds_no_text(texts: Tiny) -> None:
    written = (texts.root / "model" / "profile.json").read_text()
    assert len(written) < 80_000
    assert "policy" not in written
    assert json.loads(written)["texts"][0]["name"] == "text"


def test_the_gateway_passes_a_text_on_as_it_was_sent(texts: Tiny, tmp_path: Path) -> None:
    site = texts.copy(tmp_path / "served")
    with Served(site) as served:
        status, told = served.post("/decide", {"row": row(GENUINE)})
        same = served.post("/decide", {"row": row(f"  {GENUINE.upper()}\n", "c2")})[1]
        other = served.post("/decide", {"row": row(f"{GENUINE} urgent", "c3")})[1]
    assert (status, told["decision"], told["route"]) == (200, "approve", "machine")
    assert same["score"] == told["score"] != other["score"]  # TF-IDF is blind to case and blanks, not to a word


def test_what_is_no_text_is_never_answered_by_the_machine(texts: Tiny, tmp_path: Path) -> None:
    site = texts.copy(tmp_path / "guarded")
    with Guard(site.root, site.workspace.home, clock=site.clock) as guard:
        assert guard.decide(row(GENUINE, "other")).route == "machine"  # type: ignore[arg-type]
        for number, text in enumerate(("", "  \n", "\u200b\u200b", None, True, "a" * 2001)):
            told = guard.decide(row(text, f"c{number}"))  # type: ignore[arg-type]
            assert (told.decision, told.route) == ("review", "person"), text
        with pytest.raises(Unreachable, match="did not take the request"):
            guard.decide(row("\ud800"))  # type: ignore[arg-type]
