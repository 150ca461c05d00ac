from __future__ import annotations

import doctest
import math
from collections.abc import Callable

import pytest

from shipworthy.errors import UsageError
from shipworthy.web.figures import recorded as reading
from shipworthy.web.figures.ece import Error, ece_by_supplier, judged
from shipworthy.web.figures.ledger import ledger_timeline
from shipworthy.web.figures.ood import Look, flagged, ood_scores
from shipworthy.web.figures.postures import LOOKS, posture_lanes
from shipworthy.web.figures.recorded import MOST_ROWS, Recorded, read, thinned, time_axis
from shipworthy.web.figures.review import review_thresholds
from shipworthy.web.figures.share import Reading, canary_share
from tests.web.kit import HOSTILE, recorded, svg_of, words_of

Draw = Callable[[Recorded], str]
FIGURES: dict[str, Draw] = {
    "share": canary_share,
    "ood": ood_scores,
    "ece": ece_by_supplier,
    "postures": posture_lanes,
    "ledger": ledger_timeline,
    "review": review_thresholds,
}


def test_the_examples_hold() -> None:
    assert doctest.testmod(reading).failed == 0


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_well_formed_says_what_to_see_and_keeps_its_numbers(name: str) -> None:
    made = svg_of(FIGURES[name](recorded()))
    assert made.tag == "figure"
    assert "What to see:" in words_of(next(made.iter("figcaption")))
    assert len(list(made.iter("svg"))) == 1
    rows = [row for body in made.iter("tbody") for row in body.iter("tr")]
    assert rows
    assert "no data" not in next(made.iter("svg")).attrib["aria-label"]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("series", [None, [], ()])
def test_a_missing_or_empty_series_draws_no_data(name: str, series: object) -> None:
    for told in ({}, {name: series}):
        made = svg_of(FIGURES[name](told))
        assert next(made.iter("svg")).attrib["aria-label"].endswith("no data")


@pytest.mark.parametrize("name", FIGURES)
def test_a_row_of_another_shape_is_an_error_and_not_left_out(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be drawn"):
        FIGURES[name]({name: [{"nothing": "of this"}]})


@pytest.mark.parametrize("name", FIGURES)
def test_names_of_others_stay_text(name: str) -> None:
    made = svg_of(FIGURES[name](recorded(HOSTILE)))
    assert not {"script", "img"} & {element.tag for element in made.iter()}


def test_what_is_not_a_number_is_unknown() -> None:
    rows = [{"t": 1, "tenant": "a", "share": math.nan}, {"t": 2, "tenant": "a", "share": math.inf}]
    assert [one.share for one in read({"share": rows}, "share", Reading)] == [None, None]
    assert "no data" in canary_share({"share": rows})


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    rows = [{"t": numpy.float64(1), "tenant": "a", "share": numpy.float32(0.5)}]
    assert read({"share": rows}, "share", Reading)[0].share == 0.5


def test_each_tenant_has_its_line_and_the_stage_its_limit() -> None:
    made = svg_of(canary_share(recorded()))
    steps = [path for path in made.iter("path") if "h26" not in path.attrib["d"]]
    assert [path.attrib["class"] for path in steps] == ["line c0", "line c1", "line limit"]
    assert "Highest reading: 10 % (acme" in words_of(made)


def test_unseen_claims_are_told_apart_by_shape_too_and_counted() -> None:
    made = svg_of(ood_scores(recorded()))
    dots = [path for path in made.iter("path") if "dots" in path.attrib["class"] and "big" not in path.attrib["class"]]
    assert [(path.attrib["class"], path.attrib["d"].count("M")) for path in dots] == [
        ("dots c0", 160),
        ("dots c3 square", 40),
    ]
    assert "Flagged: 40 of 40 with a supplier never seen, 0 of 160 others." in words_of(made)


def test_a_claim_without_a_p_value_counts_as_flagged() -> None:
    assert flagged([Look(t=0.0, p=None), Look(t=0.0, p=0.5), Look(t=0.0, p=0.01)]) == 2


def test_the_pooled_bar_stands_last_and_the_unseen_one_is_marked() -> None:
    made = svg_of(ece_by_supplier(recorded()))
    drawn = [rect.attrib["class"] for rect in made.iter("rect") if rect.attrib["class"].startswith("bar")][3:]
    assert drawn == ["bar c0", "bar bad", "bar quiet"]
    assert [row[0].text for body in made.iter("tbody") for row in body] == ["acme", "P07", "never seen", "pooled"]
    assert "Proven above the limit: never seen (0.150). Too few labels to say anything: 1 of 4." in words_of(made)


@pytest.mark.parametrize(
    ("value", "lo", "hi", "says"),
    [
        (None, None, None, "no data"),
        (0.2, 0.1, 0.3, "above the limit"),
        (0.2, 0.04, 0.3, "undecided"),
        (0.01, 0.0, 0.04, "below the limit"),
        (0.01, None, None, "undecided"),
    ],
)
def test_only_bounds_prove_anything(value: float | None, lo: float | None, hi: float | None, says: str) -> None:
    assert judged(Error(supplier="P01", n=9, value=value, lo=lo, hi=hi)) == says


def test_tighter_postures_are_thicker_and_an_unknown_one_is_as_thick_as_a_kill() -> None:
    assert list(LOOKS) == ["normal", "human_review", "safe_mode", "killed"]
    assert [thick for _, thick in LOOKS.values()] == sorted({thick for _, thick in LOOKS.values()})
    made = posture_lanes({"postures": [{"lane": "a", "start": 0, "end": 9, "posture": "melted"}]})
    assert 'class="span quiet"' in made
    assert 'height="20.0"' in made


def test_a_posture_without_an_end_still_holds() -> None:
    made = svg_of(posture_lanes(recorded()))
    assert "still holds" in words_of(made)
    assert "Tightened: 2 of 2 segments, first acme to safe mode, Tue 22:00." in words_of(made)


def test_ledger_lanes_are_rooms_and_people_are_square() -> None:
    made = svg_of(ledger_timeline(recorded()))
    assert [text.text for text in made.iter("text") if text.attrib["class"] == "lane"] == ["gate", "respond"]
    assert "3 entries of 3 kinds: 1 by the machine, 2 by others." in words_of(made)
    assert len([path for path in made.iter("path") if path.attrib["class"] == "dots plump square c3"]) == 2


def test_what_came_before_monday_is_on_the_axis() -> None:
    assert time_axis(recorded(), ("ledger",)).lo == -1.5


def test_a_missing_threshold_is_said_and_interrupts_the_line() -> None:
    made = words_of(svg_of(review_thresholds(recorded())))
    assert "Review rate: 80 % at first, 60 % at last." in made
    assert "Without a valid threshold on one side or both: 1 of 7 readings." in made


@pytest.mark.parametrize("count", [0, 1, MOST_ROWS, MOST_ROWS + 1, 1000])
def test_thinning_keeps_the_last_and_says_what_it_did(count: int) -> None:
    kept, words = thinned(list(range(count)))
    assert len(kept) <= MOST_ROWS + 1
    assert kept[-1:] == list(range(count))[-1:]
    assert bool(words) is (count > MOST_ROWS)
