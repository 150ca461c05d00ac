from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.card import BEGIN, END, FAILS_WHEN, OBJECTIVE, read_card, template, write_evidence
from shipworthy.errors import ContractError
from tests.contract.repository import CARD

SLOS = ["decision_ece_p95_24h"]


def test_a_card_says_the_objective_and_its_proxies() -> None:
    card, problems = read_card(CARD, slos=SLOS, never_events=[])
    assert not problems
    assert card is not None
    assert card.human_objective == "Route risky claims to experts."
    assert card.proxies[0].guardrail_slo == SLOS[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("---\n", "", 1, "no front matter"),
        ("Route risky claims to experts.\n\n", "We route claims.\n\n", 11, "is not the human objective"),
        ("Route risky claims to experts.\n\n", "Route risky claims to experts and robots.\n\n", 11, "is not the human"),
        ("Route risky claims to experts.\n\n", "", 9, "is not the human objective"),
        ("decision_ece_p95_24h", "decision_ece", 7, "no SLO is named 'decision_ece'"),
        ("fails_when", "fails", 7, "unknown key proxies[0].fails"),
        ("  human_objective: Route risky claims to experts.\n", "", 4, "missing key human_objective"),
        ("Route risky claims to experts.\n  proxies", "''\n  proxies", 5, "objective is empty"),
        (
            "Route risky claims to experts.\n  proxies",
            f"{OBJECTIVE}\n  proxies",
            5,
            "objective still holds the template's",
        ),
        ("Route risky claims to experts.\n  proxies", "TODO\n  proxies", 5, "objective holds a placeholder only"),
        ("ranking stays good while probabilities drift", FAILS_WHEN, 7, "fails_when still holds the template's words"),
        ("ranking stays good while probabilities drift", "'?'", 7, "fails_when holds a placeholder only"),
        ("ranking stays good while probabilities drift", "' '", 7, "fails_when is empty"),
        ("name: AUROC", "name: ' '", 7, "a proxy without words"),
        (BEGIN, "", 9, "no place for the evidence"),
        (BEGIN, END, 9, "no place for the evidence"),
        ("tags: [demo]", "tags: [demo]\ntags: [x]", 4, "written twice"),
        ("shipworthy:", "shipworthy2:", 2, "missing key shipworthy"),
        ("  proxies", "  never_events: [nothing]\n  proxies", 6, "no never event is named 'nothing'"),
        ("  proxies", "  fallbak: x\n  proxies", 6, "unknown key fallbak"),
    ],
)
def test_a_card_that_says_less_is_refused_at_its_line(old: str, new: str, line: int, told: str) -> None:
    card, problems = read_card(CARD.replace(old, new, 1), slos=SLOS, never_events=[])
    assert card is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]


def test_the_template_as_it_stands_is_refused_once_for_each_thing_to_say() -> None:
    card, problems = read_card(template("demo", "1", [("AUROC", SLOS[0]), ("latency", SLOS[0])]), slos=SLOS)
    assert card is None
    assert [problem.what for problem in problems] == [
        "the human objective still holds the template's words",
        "proxy 'AUROC': fails_when still holds the template's words",
        "proxy 'latency': fails_when still holds the template's words",
    ]


def test_a_guardrail_that_is_nearly_an_slo_is_told_the_one_that_exists() -> None:
    _, problems = read_card(CARD.replace("decision_ece_p95_24h", "decision_ece_p95_24"), slos=SLOS)
    assert [problem.fix.partition("?")[0] for problem in problems] == ["did you mean 'decision_ece_p95_24h'"]


@pytest.mark.parametrize("name", ["", "*", "AUROC", "Decision_ece_p95_24h", "decision_ece_p95_24h "])
def test_a_guardrail_is_an_slo_to_the_letter(name: str) -> None:
    card, problems = read_card(
        CARD.replace("guardrail_slo: decision_ece_p95_24h", f"guardrail_slo: '{name.strip(chr(39))}'"), slos=SLOS
    )
    assert card is None
    assert ["no SLO is named" in problem.what for problem in problems] == [True]


def test_every_proxy_has_its_guardrail_checked() -> None:
    second = "\n    - {name: speed, fails_when: pushed, guardrail_slo: nobody}\n---"
    _, problems = read_card(CARD.replace("\n---", second, 1), slos=SLOS)
    assert [problem.what for problem in problems] == ["proxy 'speed': no SLO is named 'nobody'"]


def test_a_card_without_proxies_is_refused() -> None:
    head, _, tail = CARD.partition("  proxies:\n")
    _, problems = read_card(head + "  proxies: []\n" + tail.partition("\n")[2], slos=SLOS)
    assert [problem.what for problem in problems] == ["no proxy"]


@pytest.mark.parametrize(
    "sentence",
    ["Route risky\nclaims  to experts.", "**Route risky claims to experts.** More.", "Route risky claims to experts"],
)
def test_line_breaks_emphasis_and_the_full_stop_do_not_matter(sentence: str) -> None:
    text = CARD.replace("# Demo\n\nRoute risky claims to experts.", f"# Demo\n<!-- a\nremark -->\n\n{sentence}")
    assert read_card(text, slos=SLOS)[1] == ()


def test_keys_of_hugging_face_are_free() -> None:
    assert read_card(CARD.replace("tags: [demo]", "model-index: [{name: x, any: {thing: 1}}]"), slos=SLOS)[1] == ()


@given(st.text().filter(lambda text: BEGIN not in text and END not in text), st.text(max_size=50))
def test_only_what_is_between_the_markers_changes(prose: str, evidence: str) -> None:
    text = f"{prose}{BEGIN}old{END}{prose}"
    written = write_evidence(text, evidence)
    assert written.startswith(prose + BEGIN)
    assert written.endswith(END + prose)
    assert write_evidence(written, evidence) == written


@pytest.mark.parametrize("text", ["", BEGIN, END, END + BEGIN, BEGIN + END + END])
def test_without_a_place_evidence_is_not_written(text: str) -> None:
    with pytest.raises(ContractError, match="no place"):
        write_evidence(text, "x")


def test_evidence_cannot_bring_markers_of_its_own() -> None:
    with pytest.raises(ContractError, match="marker"):
        write_evidence(CARD, f"x {END} y")


@given(st.text(max_size=200))
def test_arbitrary_text_never_raises(text: str) -> None:
    for source in (text, f"---\n{text}\n---\n{text}"):
        card, problems = read_card(source, slos=SLOS)
        assert card is None
        assert problems
