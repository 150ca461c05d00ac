"""The page of the launch week: one file, no scripts, nothing from elsewhere, nothing shown as held that is not."""

from __future__ import annotations

import re

import pytest

from launch_week.page import FIGURES, TITLE, mark_of, render
from launch_week.record import Claim, Record, Scene
from shipworthy.web.markup import CSP
from tests.web.kit import HOSTILE, page_of, recorded, words_of

ATTRIBUTES = {
    "aria-hidden", "aria-label", "aria-labelledby", "charset", "class", "content", "d", "height", "href", "http-equiv",
    "id", "lang", "name", "role", "scope", "tabindex", "transform", "viewBox", "width", "x", "x1", "x2", "y",
    "y1", "y2",
}  # fmt: skip
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "nav", "ol", "ul", "li", "a", "section",
    "h1", "h2", "p", "span", "strong", "figure", "figcaption", "div", "details", "summary", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "svg", "text", "line", "path", "rect", "g",
}  # fmt: skip


def story(name: str = "acme", scenes: int = 3) -> Record:
    record = Record()
    for number in range(1, scenes + 1):
        claims = [Claim(text=f"It holds for {name}", held=True, figure=f"0.5 {name}")]
        record.scenes.append(
            Scene(
                number=number, title=f"Scene of {name}", claims=claims, tables=[(name, ["case", name], [[name, "1"]])]
            )
        )
    record.series = recorded(name)
    return record


@pytest.mark.parametrize("record", [story(), story(HOSTILE), Record()])
def test_the_page_is_well_formed_and_holds_known_tags_and_attributes_only(record: Record) -> None:
    page = page_of(render(record))
    assert {element.tag for element in page.iter()} <= TAGS
    assert {name for element in page.iter() for name in element.attrib} <= ATTRIBUTES


def test_a_text_that_utf8_cannot_hold_is_written_all_the_same() -> None:
    record = Record()
    record.scenes.append(Scene(number=1, title=HOSTILE, claims=[Claim(text=HOSTILE, held=False, figure=HOSTILE)]))
    text = render(record)
    text.encode("utf-8")
    assert "<script" not in text
    assert "\x00" not in text


def test_nothing_refers_to_anything_outside() -> None:
    text = render(story(HOSTILE))
    page = page_of(text)
    ids = [element.attrib["id"] for element in page.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert {element.attrib["href"].removeprefix("#") for element in page.iter("a")} <= set(ids)
    style = "".join(page.find("head/style").itertext())  # type: ignore[union-attr]
    assert not re.search(r"url\(|@import|@font-face|expression|\\", style)
    assert not re.search(r"(?i)https?:|//[a-z]", re.sub(r"(?s)<style>.*</style>", "", text))


def test_the_policy_forbids_everything_but_its_own_style() -> None:
    metas = list(page_of(render(Record())).iter("meta"))
    policies = [meta.attrib["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [CSP]
    assert CSP == "default-src 'none'; style-src 'unsafe-inline'"


def test_light_and_dark_are_both_there() -> None:
    assert "prefers-color-scheme: dark" in render(Record())


def test_the_page_has_its_title_six_figures_a_strip_and_a_section_a_scene() -> None:
    page = page_of(render(story(scenes=11)))
    assert [h1.text for h1 in page.iter("h1")] == [TITLE]
    assert len(list(page.iter("figure"))) == len(FIGURES) == 6
    strip = next(page.iter("ol"))
    assert [a.attrib["href"] for a in strip.iter("a")] == [f"#scene-{n}" for n in range(1, 12)]
    assert len([one for one in page.iter("section") if "scene" in one.get("class", "")]) == 11
    for figure in page.iter("figure"):
        assert [child.tag for child in figure] == ["figcaption", "div", "details"]
    for table in page.iter("table"):
        assert table[0].tag == "caption"
        assert all(th.get("scope") in ("row", "col") for th in table.iter("th"))


def test_every_claim_shows_icon_word_and_figure() -> None:
    record = story(scenes=1)
    record.scenes[0].claims.append(Claim(text="It does not", held=False, figure="0.9"))
    items = [li for ul in page_of(render(record)).iter("ul") for li in ul]
    assert [words_of(item) for item in items] == ["✓ held It holds for acme 0.5 acme", "✗ failed It does not 0.9"]
    assert [item.attrib["class"] for item in items] == ["held", "failed"]


def summary(record: Record) -> tuple[str, str]:
    line = next(p for p in page_of(render(record)).iter("p") if "summary" in p.get("class", ""))
    return line.attrib["class"], words_of(line)


def test_the_summary_counts_and_is_green_only_when_everything_held() -> None:
    record = story()
    assert summary(record) == ("summary held", "✓ 3 of 3 claims held in 3 scenes (held)")
    record.scenes.append(Scene(number=4, title="silent"))
    shown = "– 3 of 3 claims held in 4 scenes; nothing was checked in scene 4 (no claims)"
    assert summary(record) == ("summary open", shown)
    record.scenes[0].claims.append(Claim(text="no", held=False, figure=""))
    assert summary(record)[0] == "summary failed"
    assert summary(Record()) == ("summary open", "– No claim was checked in 0 scenes (no claims)")


def test_no_claims_are_not_held() -> None:
    assert mark_of([])[1] == "no claims"
    assert mark_of([Claim(text="a", held=True, figure=""), Claim(text="b", held=False, figure="")])[1] == "failed"
