"""How many rows a case needs, which, and what of them: by the exact bound, and by nobody's choice."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from shipworthy.contract.manifest import Decisions, Feature, Label, Manifest, SegmentKey, Segments
from shipworthy.contract.pack import CASE_ID
from shipworthy.facts import Incident, Oracle, Policy, Scope, canonical_segment, digest
from shipworthy.respond.incident_cases import case_of, slug
from shipworthy.respond.promotion import asks_about, least, needs, parted, question, terms

MANIFEST = Manifest(
    model="m", stakes="low", owner="o", label=Label(column="label"), unit="visit", tenant="tenant",
    features=(Feature(name="speed", type="int"), Feature(name="tenant_size", type="int")),
    segments=Segments(keys=(SegmentKey(key="office", public=True),)),
)  # fmt: skip


def oracle(target: float = 0.15, op: str = "<=", among: str = "label == 1") -> Oracle:
    return Oracle(name="x", hits="decision == 'deny'", among=among, op=op, target=target)


def about(segment: str = "*", slo: str = "auroc") -> Incident:
    return Incident(
        id="INC-2027-0001", title="t", severity="SEV2", owner="o", scope=Scope(model="m", version="2", segment=segment),
        reported_at="2027-01-04T09:30:00.000000Z", slo=slo,
    )  # fmt: skip


@pytest.mark.parametrize("target", [0.05, 0.15, 0.3, 0.5])
def test_so_many_rows_prove_a_fix_twice_as_good_and_one_fewer_does_not(target: float) -> None:
    def upper(n: int) -> float:
        return float(beta.ppf(0.95, n * target / 2 + 1, n - n * target / 2))  # Clopper and Pearson, by scipy

    n = needs(oracle(target))
    assert upper(n) <= target < upper(n - 1)


def test_a_case_that_allows_none_needs_what_excludes_one_in_twenty() -> None:
    assert needs(oracle(0, "==")) == 59  # the rule of three: ln 0.05 / ln 0.95 = 58.4


@pytest.mark.parametrize(
    ("among", "label", "asked"),
    [
        ("label == 1", 1, True),
        ("label == 1", 0, False),
        ("true", 0, True),
        ("label == 1 and speed > 3", 0, True),  # cannot be told from the label alone
    ],
)
def test_what_is_asked_is_told_from_the_label_alone(among: str, label: int, asked: bool) -> None:
    assert asks_about(oracle(among=among), label) is asked


def test_a_row_keeps_inputs_segment_label_and_a_hidden_unit() -> None:
    row = {"speed": 3, "tenant_size": 9, "office": "P1", "label": 1, "visit": "v7", "tenant": "acme", "phone": "5"}
    (kept,) = least([row], MANIFEST, ["office", "tenant"], lambda unit: f"#{unit[::-1]}")
    assert kept == {"speed": 3, "tenant_size": 9, "office": "P1", "label": 1, "visit": "#7v"}


def test_a_unit_that_is_a_public_key_is_kept() -> None:
    public = Manifest(
        model="m", stakes="low", owner="o", label=Label(column="label"), unit="office",
        features=(Feature(name="speed", type="int"),), segments=Segments(keys=(SegmentKey(key="office", public=True),)),
    )  # fmt: skip
    (kept,) = least([{"speed": 3, "office": "P1", "label": 1}], public, [], lambda unit: "#")
    assert kept["office"] == "P1"


ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 5)), min_size=60, max_size=120)


@given(ROWS, st.sampled_from([0.3, 0.5]), st.integers(0, 99))
def test_units_are_never_parted_nothing_is_lost_and_order_does_not_matter(
    drawn: list[tuple[int, int, int]], target: float, seed: int
) -> None:
    rows: list[dict[str, Any]] = [{"visit": f"v{v}", "label": label, "speed": speed} for v, label, speed in drawn]
    made = parted(rows, oracle(target), "label", "visit", "INC-1")
    assert len(made.proof) + len(made.fix) + made.left_out == len(rows)
    assert {row["visit"] for row in made.proof}.isdisjoint(row["visit"] for row in made.fix)
    assert all(row["label"] == 1 for row in (*made.proof, *made.fix))
    if made.fix:
        assert len(made.proof) >= needs(oracle(target))
    mixed = random.Random(seed).sample(rows, len(rows))
    assert parted(mixed, oracle(target), "label", "visit", "INC-1") == made


def test_another_incident_draws_other_rows() -> None:
    rows = [{"visit": f"v{at}", "label": 1} for at in range(200)]
    one, other = (parted(rows, oracle(0.5), "label", "visit", salt) for salt in ("INC-1", "INC-2"))
    assert one.proof != other.proof


@given(st.text(min_size=1).filter(lambda text: text != "*"), st.text(min_size=1))
def test_any_segment_names_a_case_and_a_file(key: str, value: str) -> None:
    name = f"incident.{slug(about(canonical_segment({key: [value]})))}"
    assert CASE_ID.fullmatch(name)
    assert "/" not in name


@pytest.mark.parametrize(
    ("segment", "slo", "name"),
    [
        ("office=P1,P2;speed=lt_3", "auroc", "office-P1-P2-speed-lt_3"),
        ("*", "auroc", "auroc"),
        ("*", "", "inc-2027-0001"),
    ],
)
def test_a_case_is_named_after_its_segment_or_what_was_breached(segment: str, slo: str, name: str) -> None:
    assert slug(about(segment, slo)) == name


def test_without_a_known_slo_harmful_denials_are_asked_for() -> None:
    kind, asked = question(about(slo="gone"), Policy(slos=()), Decisions(), 0.2)
    assert (kind, asked.hits, asked.among, asked.target) == ("regression", "decision == 'deny'", "label == 1", 0.2)


def test_the_terms_of_a_case_change_with_anything_of_it_or_its_rows() -> None:
    case = case_of(about(), "incident.auroc", "regression", oracle(), 9, "o")
    assert terms(case, digest(b"a")) != terms(case, digest(b"b"))
    looser = case_of(about(), "incident.auroc", "regression", oracle(0.16), 9, "o")
    assert terms(case, digest(b"a")) != terms(looser, digest(b"a"))
