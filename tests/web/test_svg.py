from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.web.axes import linear, logarithmic, week
from shipworthy.web.charts import Bar, Series, bars, chart
from shipworthy.web.lanes import Dots, Span, lanes
from shipworthy.web.svg import WIDTH, Key, legend
from tests.web.kit import HOSTILE, svg_of, words_of

X, Y = week(0, 168), linear(1.0, "share")
TAGS = {"svg", "title", "text", "line", "path", "rect", "g"}
maybe = st.none() | st.floats(-2, 2)


def box_of(made: ET.Element) -> tuple[float, float]:
    _, _, width, height = map(float, made.attrib["viewBox"].split())
    return width, height


@given(st.lists(st.tuples(st.floats(-10, 200), maybe)), st.sampled_from(["line", "step", "marked", "dots"]))
def test_every_chart_is_well_formed_and_stays_inside_its_frame(
    points: list[tuple[float, float | None]], style: str
) -> None:
    made = svg_of(chart("t", X, Y, [Series(name=HOSTILE, points=tuple(points), style=style)], [(0.5, "limit")]))
    width, height = box_of(made)
    assert {element.tag for element in made.iter()} <= TAGS
    for path in made.iter("path"):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.attrib["d"]):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height


@pytest.mark.parametrize(
    "made",
    [
        chart("t", X, Y, []),
        chart("t", X, Y, [Series(name="a", points=())]),
        chart("t", X, Y, [Series(name="a", points=((1.0, None),))], [(0.5, "limit")]),
        bars("t", Y, []),
        lanes("t", X),
    ],
)
def test_nothing_to_draw_is_said(made: str) -> None:
    assert "no data" in words_of(svg_of(made))
    assert "<path" not in made


def test_a_line_is_interrupted_where_nothing_is_known() -> None:
    points = ((0.0, 0.1), (10.0, 0.2), (20.0, None), (30.0, 0.3), (40.0, 0.4))
    made = svg_of(chart("t", X, Y, [Series(name="", points=points)]))
    drawn = [path.attrib["d"] for path in made.iter("path") if "h26" not in path.attrib["d"]]
    assert drawn[0].count("M") == 2


def test_a_step_goes_along_first_and_up_then() -> None:
    made = svg_of(chart("t", X, Y, [Series(name="", points=((0.0, 0.0), (84.0, 1.0)), style="step")]))
    path = next(one.attrib["d"] for one in made.iter("path") if "L" in one.attrib["d"])
    (_, low), (middle, still), (same, high) = re.findall(r"([\d.]+) ([\d.]+)", path)
    assert (low, middle) == (still, same)
    assert float(high) < float(low)


def test_dots_on_a_log_axis_stand_a_decade_apart() -> None:
    p = logarithmic(1e-4, "p")
    made = svg_of(chart("t", X, p, [Series(name="", points=((0.0, 1.0), (1.0, 0.1), (2.0, 0.01)), style="dots")]))
    path = next(one.attrib["d"] for one in made.iter("path") if one.attrib["d"].count("M") == 3)
    a, b, c = (float(y) for _, y in re.findall(r"M([\d.]+) ([\d.]+)h", path))
    assert a - b == pytest.approx(b - c, abs=0.2)


def test_a_bar_without_a_value_says_no_data_and_has_no_height() -> None:
    made = svg_of(bars("t", Y, [Bar(label="a", value=None), Bar(label="b", value=0.5, lo=0.4, hi=0.6)]))
    assert len([one for one in made.iter("rect") if "bar" in one.attrib["class"]]) == 1
    assert len([one for one in made.iter("line") if one.attrib["class"] == "bound"]) == 3
    assert words_of(made).count("no data") == 1


@pytest.mark.parametrize(("count", "turned"), [(4, False), (60, True)])
def test_labels_are_turned_only_when_they_would_overlap(count: int, turned: bool) -> None:
    made = svg_of(bars("t", Y, [Bar(label=f"P{i:03d}", value=0.5) for i in range(count)]))
    labels = [text for text in made.iter("text") if (text.text or "").startswith("P")]
    assert len(labels) == count
    assert all(("transform" in text.attrib) is turned for text in labels)


def test_a_stretch_carries_its_word_where_it_fits_and_always_as_a_tooltip() -> None:
    spans = [
        Span(lane="a", start=0, end=100, css="bad", text="killed"),
        Span(lane="a", start=100, end=103.5, css="bad", text="killed"),
        Span(lane="a", start=110, end=110.1, css="bad", text="killed"),
    ]
    groups = list(svg_of(lanes("t", X, spans)).iter("g"))
    assert [next(iter(group.iter("title"))).text for group in groups] == ["killed"] * 3
    assert [[text.text for text in group.iter("text")] for group in groups] == [["killed"], ["K"], []]


def test_where_stretches_overlap_the_thicker_is_on_top() -> None:
    thick = Span(lane="a", start=0, end=50, css="bad", text="killed")
    thin = Span(lane="a", start=0, end=90, css="good", text="normal", thick=0.3)
    made = svg_of(lanes("t", X, [thick, thin]))
    assert [rect.attrib["class"] for rect in made.iter("rect")] == ["span good", "span bad"]


def test_lanes_stand_in_order_of_appearance_and_escape_their_names() -> None:
    made = svg_of(
        lanes("t", X, dots=[Dots(lane=HOSTILE, at=(1.0, 2.0), css="c0"), Dots(lane="b", at=(3.0,), css="c1")])
    )
    assert {element.tag for element in made.iter()} <= TAGS
    named = [text.text or "" for text in made.iter("text") if text.attrib["class"] == "lane"]
    assert named[0].startswith("<script>")
    assert named[1] == "b"


def test_a_long_legend_takes_more_rows_and_stays_inside() -> None:
    parts, height = legend([Key(name="a tenant with a long name " * 3, shape="line", css="c0")] * 9)
    rows = svg_of(f"<g>{''.join(parts)}</g>")
    places = [(float(text.attrib["x"]), float(text.attrib["y"])) for text in rows.iter("text")]
    assert len(set(places)) == 9
    assert max(x for x, _ in places) < WIDTH - 150
    assert max(y for _, y in places) < height
