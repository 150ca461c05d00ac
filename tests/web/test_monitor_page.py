"""The page of a report: well-formed, without scripts or addresses, and in words whatever it draws."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from shipworthy import Project
from shipworthy.facts import Outcome
from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.web.monitor.page import fragment, page
from shipworthy.web.monitor.text import text
from tests.cli.calls import call
from tests.flows.monitor.logged import lines, write

HOSTILE = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("pages")
    write(at / "ref.csv", lines(1200, 1))
    rows = lines(900, 2, older=6)
    for row in rows[:60]:
        row["sex"] = HOSTILE
    write(at / "log.csv", rows)
    return at


@pytest.fixture(scope="module")
def report(at: Path) -> MonitorReport:
    shown = Project(at).monitor(at / "log.csv", reference=at / "ref.csv", every="3h", groups=["sex"], segments=["sex"])
    return shown.found


def drawn(told: MonitorReport) -> ElementTree.Element:
    return ElementTree.fromstring(page(told).removeprefix("<!DOCTYPE html>\n"))


def test_the_page_is_well_formed_and_holds_nothing_foreign(report: MonitorReport) -> None:
    root = drawn(report)
    kinds = {element.tag for element in root.iter()}
    assert not kinds & {"script", "link", "img", "iframe", "object"}
    assert not [one for one in root.iter() if any(name in one.attrib for name in ("href", "src", "onload"))]
    assert "http:" not in page(report)
    assert "https" not in page(report)
    assert HOSTILE not in page(report)


def test_every_drawing_has_a_title_and_its_numbers_beneath(report: MonitorReport) -> None:
    root = drawn(report)
    figures = list(root.iter("figure"))
    assert len(figures) >= 8
    for figure in figures:
        svg = figure.find(".//svg")
        assert svg is not None
        assert svg.find("title") is not None
        assert figure.find("details//table") is not None
    cells = [one for one in root.iter("rect") if "cell" in one.attrib["class"] and one.find("title") is not None]
    assert len(cells) == len(report.verdicts) + len(report.periods) * len(report.features)


def test_a_small_group_is_not_shown(report: MonitorReport) -> None:
    thin = [one for one in report.groups if one.n is None]
    assert all(one.value is None for one in thin)
    few = replace(report, groups=(replace(report.groups[0], n=None, value=None, lo=None, hi=None),))
    assert "under 20" in page(few)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_its_words(report: MonitorReport, outcome: Outcome) -> None:
    told = replace(report, outcome=outcome)
    assert text(told).splitlines()[0].split(": ")[1].split(";")[0] in page(told)
    assert told.exit_code == {"breached": 1, "no_data": 4}.get(str(outcome), 0)


def test_a_report_of_nothing_is_still_a_page(report: MonitorReport) -> None:
    bare = replace(report, verdicts=(), pages=(), periods=(), features=(), shapes=(), calibration=None, groups=())
    assert "page nobody" in page(bare) or "paged nobody" in page(bare)
    drawn(replace(bare, segments=(), unseen=(), backtest=()))


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(report: MonitorReport) -> None:
    frame = fragment(report)
    assert frame.startswith("<iframe")
    assert 'sandbox=""' in frame
    assert "<script" not in frame


def test_the_verb_writes_the_page_and_prints_one_json_object(at: Path, tmp_path: Path) -> None:
    args = ["--root", str(at), "monitor", str(at / "log.csv"), "--reference", str(at / "ref.csv"), "--json"]
    ran = call(*args, "--html", str(tmp_path / "page.html"))
    told = ran.json()
    assert ran.code == {"breached": 1, "no_data": 4}.get(told["report"]["outcome"], 0)
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
