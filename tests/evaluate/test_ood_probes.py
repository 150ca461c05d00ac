from __future__ import annotations

from shipworthy.evaluate import ood_probes
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask
from shipworthy.facts import Measurement
from shipworthy.gate.recompute import mismatches
from tests.evaluate.benches import bench, rows


def measured(**changes: object) -> dict[tuple[str, str | None], Measurement]:
    on = bench(**changes)  # type: ignore[arg-type]
    return {(one.indicator, one.part): one for one in ood_probes.evaluate(on, [], answer(on, on.rows("test")))}


def test_every_kind_is_listed_and_the_weakest_is_judged() -> None:
    found = measured()
    kinds = [found["ood_recall", kind] for kind in ("unit", "sentinel", "null", "unseen")]
    judged = found["ood_recall", None]
    assert all(one.n == ood_probes.PROBES for one in kinds)
    assert judged.lo == min(one.lo or 0.0 for one in kinds)
    assert judged.value == min(one.value or 0.0 for one in kinds)
    assert found["ood_recall", "unseen"].value == found["ood_recall", "null"].value == 1.0
    assert not mismatches(found.values())


def test_a_kind_without_an_eligible_field_is_listed_and_not_judged() -> None:
    plain = tuple(one for one in bench().features if one.type != "category")
    found = measured(features=plain)
    assert (found["ood_recall", "unseen"].n, found["ood_recall", "unseen"].value) == (0, None)
    assert found["ood_recall", None].value is not None
    assert "not judged: unseen" in found["ood_recall", None].method


def test_a_hidden_cohort_counts_when_its_rows_are_given() -> None:
    ordinary = rows(200, 77)
    found = measured(datasets={"test": rows(800, 1), "hidden_cohort": ordinary})
    part = found["ood_recall_structural", "hidden_cohort"]
    assert part.n == 200
    assert (part.value or 0.0) < 0.1
    assert found["ood_recall_structural", None].hi == part.hi
    assert measured()["ood_recall_structural", "hidden_cohort"].n == 0


def test_ordinary_rows_seldom_raise_an_alarm() -> None:
    assert (measured()["ood_false_alarm", None].hi or 1.0) < 0.03


def test_without_a_profile_nothing_is_recalled() -> None:
    assert all(one.value is None for one in measured(scorer=None).values())


def test_probes_do_not_depend_on_what_else_is_asked() -> None:
    on = bench()
    seen = answer(on, on.rows("test"))
    asked = ood_probes.evaluate(on, [Ask(indicator="ood_recall", segment="sex=f"), Ask(indicator="ood_recall")], seen)
    alone = ood_probes.evaluate(on, [Ask(indicator="ood_recall")], seen)
    whole = [one for one in asked if one.segment == "*" and one.indicator == "ood_recall"]
    assert whole == [one for one in alone if one.indicator == "ood_recall"]
