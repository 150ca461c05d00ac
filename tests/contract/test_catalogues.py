"""Every id a threat refers to is one that its catalogue published, in the version it names."""

from __future__ import annotations

import hashlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract import atlas, catalogues
from shipworthy.contract.catalogues import LATER, RETIRED, SUCCESSORS, judge_mitigation, judge_ref
from shipworthy.contract.threats import read_threats, retired_refs
from tests.contract.repository import THREATS
from tests.contract.trim_catalogues import trimmed

REFS = "- {id: T1, refs: [%s], "


def with_refs(*refs: str) -> str:
    return THREATS.replace("- {id: T1, ", REFS % ", ".join(refs))


def test_the_tables_hold_what_their_sources_list() -> None:
    counts = {name: len(one.entries) for name, one in catalogues.catalogues().items()}
    assert counts == {"atlas": 170, "owasp-llm": 10, "owasp-ml": 10, "aitg": 32}
    assert len(catalogues.mitigations()) == 35
    assert len(atlas.TACTICS.splitlines()) == 16
    maturity = [one.maturity for one in catalogues.catalogues()["atlas"].entries.values()]
    assert {word: maturity.count(word) for word in maturity} == {"realized": 64, "demonstrated": 89, "feasible": 17}


def test_every_technique_has_tactics_that_are_listed_and_a_name() -> None:
    tactics = {line.partition("|")[0] for line in atlas.TACTICS.splitlines()}
    for one in catalogues.catalogues()["atlas"].entries.values():
        assert one.tactics
        assert set(one.tactics) <= tactics
        assert one.name


def test_every_retired_id_was_one_and_has_a_successor_that_never_was() -> None:
    entries = catalogues.catalogues()["atlas"].entries
    assert set(RETIRED) <= set(entries)
    assert set(RETIRED.values()) <= set(SUCCESSORS)
    assert not set(SUCCESSORS) & set(entries)


@pytest.mark.parametrize(
    ("catalogue", "version", "name"),
    [
        ("atlas", "5.6.0", "AML.T0020"),
        ("atlas", "5.6.1", "AML.T0010.003"),
        ("atlas", LATER, "AML.T0115.000"),
        ("owasp-llm", "2025", "LLM01:2025"),
        ("owasp-ml", "2023", "ML10:2023"),
        ("aitg", "1", "AITG-MOD-03"),
    ],
)
def test_a_published_id_in_its_version_is_sound(catalogue: str, version: str, name: str) -> None:
    assert judge_ref(catalogue, version, name) is None


@pytest.mark.parametrize(
    ("catalogue", "version", "name", "part", "what", "fix"),
    [
        ("atlas", "5.6.0", "AML.T9999", "id", "atlas 5.6.0 has no 'AML.T9999'", "the 170 known ids are in docs"),
        ("atlas", "5.6.0", "AML.T002", "id", "has no 'AML.T002'", "did you mean AML.T0020"),
        ("atlas", "5.6.0", "aml.t0020", "id", "has no 'aml.t0020'", "did you mean AML.T0020"),
        ("atlas", "5.6.0", "AML.M0007", "id", "has no 'AML.M0007'", "known ids"),
        ("atlas", "6.0.0", "AML.T0020", "version", "version '6.0.0' of atlas is not pinned", "write 5.6.0"),
        ("atlas", "", "AML.T0020", "version", "is not pinned", "write 5.6.0"),
        ("atlas", "5.6.0", "AML.T0115.000", "version", "came with version 2026.07", 'version: "2026.07"'),
        ("atlas", LATER, "AML.T0019", "id", "is retired in ATLAS 2026.07", "write AML.T0115.000"),
        ("atlas", LATER, "AML.T0020", "version", "only the successors", "write version: 5.6.0"),
        ("atlas", LATER, "AML.T0116", "id", "atlas 2026.07 has no 'AML.T0116'", "did you mean AML.T0115"),
        ("atlass", "5.6.0", "AML.T0020", "catalogue", "no catalogue is named 'atlass'", "did you mean 'atlas'"),
        ("owasp-llm", "2023", "LLM01:2025", "version", "is not pinned", "write 2025"),
        ("owasp-llm", "2025", "LLM01", "id", "has no 'LLM01'", "LLM01:2025"),
        ("owasp-llm", "2025", "LLM11:2025", "id", "has no 'LLM11:2025'", "LLM01:2025"),
        ("owasp-ml", "2023", "ML11:2023", "id", "has no 'ML11:2023'", "ML10:2023"),
        ("aitg", "1", "AITG-MOD-08", "id", "has no 'AITG-MOD-08'", "AITG-MOD-0"),
    ],
)
def test_anything_else_is_a_fault_with_what_to_write(
    catalogue: str, version: str, name: str, part: str, what: str, fix: str
) -> None:
    told = judge_ref(catalogue, version, name)
    assert told is not None
    assert told.fault
    assert told.part == part
    assert what in told.what
    assert fix in told.fix
    assert len(told.what + told.fix) < 300


@pytest.mark.parametrize(("old", "new"), RETIRED.items())
def test_an_id_that_is_retired_later_is_taken_with_a_warning_that_names_its_successor(old: str, new: str) -> None:
    model, problems = read_threats(with_refs(f"{{catalogue: atlas, version: 5.6.0, id: {old}}}"))
    assert not problems
    assert model is not None
    (warning,) = retired_refs(model)
    assert f"threat-model.yaml: threat 'T1', refs[0]: {old} is retired in ATLAS {LATER}: {new}" in warning
    assert judge_ref("atlas", LATER, new) is None  # following the advice is enough


def test_a_sound_reference_warns_of_nothing() -> None:
    model, problems = read_threats(with_refs("{catalogue: atlas, version: 5.6.0, id: AML.T0020}"))
    assert not problems
    assert model is not None
    assert retired_refs(model) == ()


def test_every_unsound_reference_of_a_threat_model_is_told_at_its_line() -> None:
    bad = "{catalogue: atlas, version: 5.6.0, id: AML.T9999}"
    model, problems = read_threats(with_refs("{catalogue: owasp-ml, version: '2023', id: 'ML01:2023'}", bad, bad))
    assert model is None
    assert [(one.line, one.what) for one in problems] == [(6, "atlas 5.6.0 has no 'AML.T9999'")] * 2
    assert problems[0].column < problems[1].column


@pytest.mark.parametrize("name", ["AML.M0007", "yearly training", "docs/hardening.md"])
def test_a_mitigation_is_an_id_of_atlas_or_words(name: str) -> None:
    assert judge_mitigation(name) is None


@pytest.mark.parametrize("name", ["AML.M9999", "AML.T0020", "AML.", "AML.M007"])
def test_a_mitigation_that_atlas_does_not_list_is_a_fault(name: str) -> None:
    told = judge_mitigation(name)
    assert told is not None
    assert f"has no mitigation {name!r}" in told.what
    _, problems = read_threats(THREATS.replace('["case:backdoor"]', f'["case:backdoor", "mitigation:{name}"]'))
    assert [one.line for one in problems] == [6]


@given(st.text(max_size=40), st.sampled_from(["5.6.0", LATER, "2025", ""]), st.text(max_size=40))
def test_words_nobody_published_are_never_sound(catalogue: str, version: str, name: str) -> None:
    known = catalogues.catalogues()
    for chosen in (catalogue, *known):
        sound = judge_ref(chosen, version, name) is None
        assert not sound or name in SUCCESSORS or name in known[chosen].entries


def test_trimming_takes_the_tactics_of_the_technique_and_trusts_no_type() -> None:
    whole = {"id": "AML.T0001", "name": "Search", "tactics": ["AML.TA0002"], "maturity": "feasible"}
    part = {"id": "AML.T0001.000", "name": "Part", "maturity": "realized", "subtechnique-of": "AML.T0001"}
    matrix = {
        "tactics": [{"id": "AML.TA0002", "name": "Reconnaissance"}],
        "techniques": [whole, part],
        "mitigations": [{"id": "AML.M0000", "name": "Limit", "ml-lifecycle": ["Planning", {"id": "AML.T0001"}]}],
    }
    raw = yaml.safe_dump({"version": "0.1", "matrices": [matrix]}).encode()
    made = trimmed(raw)
    assert "AML.T0001|AML.TA0002|feasible|Search\nAML.T0001.000|AML.TA0002|realized|Search: Part\n" in made
    assert "AML.M0000|Limit\n" in made
    assert hashlib.sha256(raw).hexdigest() in made
    for spoiled in ({**whole, "tactics": [{"id": "AML.TA0002"}]}, {**whole, "maturity": None}, {**whole, "id": 1}):
        with pytest.raises(ValueError, match=r"."):
            trimmed(yaml.safe_dump({"version": "0.1", "matrices": [{**matrix, "techniques": [spoiled]}]}).encode())
