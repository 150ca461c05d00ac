from __future__ import annotations

import pytest

from shipworthy.flows.check import check
from shipworthy.flows.row_counts import RowCounts
from tests.evaluate.benches import case
from tests.flows.tiny import Tiny


def counts(tiny: Tiny) -> RowCounts:
    contract = tiny.workspace.contract()
    return RowCounts(tiny.root, contract.manifest, contract.digests)


def test_rows_are_counted_by_data_set_filter_segment_and_what_is_known_of_among(prepared: Tiny) -> None:
    from shipworthy.flows.model import dataset_rows

    manifest = prepared.workspace.contract().manifest
    rows = dataset_rows(prepared.root, manifest, "test")
    here = counts(prepared)
    assert here.most(case(among="true")) == len(rows) == 450
    ill = sum(row["label"] == 1 for row in rows)
    assert here.most(case(among="label == 1")) == ill
    assert here.most(case(among="label == 1 and decision == 'deny'")) == ill
    assert here.most(case(among="decision == 'deny'")) == 450
    assert here.most(case(among="true", where="speed >= 14")) == sum(row["speed"] >= 14 for row in rows)
    inside = sum(row["supplier"] == "S1" for row in rows)
    assert here.most(case(among="true", segment="tenant=acme")) == sum(row["tenant"] == "acme" for row in rows)
    assert here.most(case(among="true", segment="supplier=S1")) in (inside, 450)


def test_a_generator_counts_no_more_than_it_says_and_no_more_than_there_is(prepared: Tiny) -> None:
    here = counts(prepared)
    probe: dict[str, object] = {"name": "probe", "probe": "unit"}
    assert here.most(case(among="true", generator={**probe, "sample": 40})) == 40
    assert here.most(case(among="true", generator={**probe, "sample": 4000})) == 450
    assert here.most(case(among="true", generator=probe)) == 450
    assert here.most(case(generator={"name": "invariance", "feature": "age", "values": [1, 2]})) is None
    assert here.most(case(generator={"name": "of_another_package"})) is None


def test_what_was_counted_is_kept_by_the_digest_of_the_file(prepared: Tiny) -> None:
    kept = prepared.root / ".shipworthy" / "cache" / "rows.json"
    assert check(prepared.root).exit_code == 0
    before = kept.read_bytes()
    kept.write_bytes(before.replace(b":450", b":449"))
    assert check(prepared.root).exit_code == 0
    kept.write_bytes(b"{broken")
    assert check(prepared.root).exit_code == 0
    assert kept.read_bytes() == before


def test_what_is_kept_of_one_question_answers_no_other(prepared: Tiny) -> None:
    first = counts(prepared)
    assert first.most(case(among="true")) == 450
    first.save()
    again = counts(prepared)
    assert again.most(case(among="true")) == 450
    assert (again.most(case(among="true", where="speed >= 14")) or 450) < 450
    assert (again.most(case(among="label == 1")) or 450) < 450


@pytest.mark.parametrize(("severity", "code"), [("blocker", 3), ("major", 3), ("minor", 0)])
def test_check_refuses_a_case_that_could_never_pass_at_its_line(prepared: Tiny, severity: str, code: int) -> None:
    pack = prepared.root / "robustness-pack.yaml"
    text = pack.read_text().replace('where: "speed >= 14"', 'where: "speed >= 20 and age >= 80"')
    pack.write_text(text.replace("severity: blocker", f"severity: {severity}", 1))
    found = [str(one) for one in check(prepared.root).problems if "rows can count" in str(one)]
    assert len(found) == (1 if code else 0)
    if code:
        assert found[0].startswith("robustness-pack.yaml:7:")
        assert "14 are needed" in found[0]
