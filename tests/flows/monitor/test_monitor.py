"""Logs in, a report out: the same numbers from every format and engine, nothing lost, nothing green by chance."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipworthy import Project
from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.facts import Outcome
from shipworthy.flows.monitor import logs
from shipworthy.flows.monitor.count import Engine, count_files
from shipworthy.flows.monitor.monitor import Asked, monitor
from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.runtime.workspace import Workspace
from tests.flows.monitor.logged import Line, lines, write

SLOS = """slos:
  - {name: ood_rate_1h, objective: o, target: "<= LIMIT", window: 1h, action_on_breach: route_to_human_review}
  - {name: auroc, objective: o, target: ">= 0.6", window: rolling, action_on_breach: route_to_human_review}
  - {name: ood_recall_7d, objective: o, target: ">= 0.9", window: 7d, action_on_breach: route_to_human_review}
"""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reference, two logs that follow each other, and no contract."""
    at = tmp_path_factory.mktemp("logs")
    write(at / "ref.csv", lines(1500, 1))
    (at / "logs").mkdir()
    write(at / "logs" / "a.csv", lines(1200, 2))
    write(at / "logs" / "b.csv", lines(1200, 3, first_h=20, older=8, new=0.1))
    return at


def report(at: Path, what: Any = "logs", **more: Any) -> MonitorReport:
    asked = Asked(**{"reference": str(at / "ref.csv"), "every": "4h", **more})
    return monitor(Workspace(root=at, home=at / "home"), [str(at / what)], asked, lambda _: None)


def numbers(told: MonitorReport) -> bytes:
    """Everything but what names a file, and tags, which are keyed anew for every report."""
    unseen = tuple(msgspec.structs.replace(one, tags=()) for one in told.unseen)
    return msgspec.json.encode(msgspec.structs.replace(told, reference="", files=0, unseen=unseen, notes=()))


def test_a_shift_pages_once_and_ordinary_hours_do_not(at: Path) -> None:
    told = report(at, segments=("supplier",), groups=("sex",))
    assert told.outcome is Outcome.BREACHED
    assert told.exit_code == 1
    ood = [one for one in told.pages if one.slo == "ood_rate"]
    assert [(one.at, one.periods) for one in ood] == [("2027-01-04 20:00", 5)]
    assert told.unseen[0].feature == "supplier"
    assert {"supplier=P1", "supplier=__unseen__", "sex=F", "*"} <= {one.segment for one in told.segments}
    assert told.features[0].feature == "age" and told.features[0].lo > 0.05  # noqa: PT018


def test_the_same_rows_as_csv_parquet_json_lines_or_a_frame_give_the_same_report(at: Path, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    rows = lines(1200, 3, older=8, new=0.1)
    write(tmp_path / "a.csv", rows)
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write((tmp_path / "a.csv").read_bytes())
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    table = pyarrow.csv.read_csv(tmp_path / "a.csv")
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=500)
    first = numbers(report(at, tmp_path / "a.csv", segments=("supplier",)))
    for name in ("a.csv.gz", "a.jsonl", "a.parquet"):
        assert numbers(report(at, tmp_path / name, segments=("supplier",))) == first, name
    for frame in (table, {name: [row[name] for row in rows] for name in rows[0]}):
        shown = Project(at).monitor(frame, reference=at / "ref.csv", every="4h", segments=["supplier"])
        assert numbers(shown.found) == first


def test_workers_and_one_process_count_the_same(at: Path) -> None:
    from tests.flows.monitor.lenses import lens

    files = logs.found([at / "logs"])
    one, several = (count_files(files, lens(at / "ref.csv"), Engine(workers=n), lambda _: None) for n in (1, 2))
    assert {key: value.tolist() for key, value in one.counts.full.items()} == {
        key: value.tolist() for key, value in several.counts.full.items()
    }
    assert {key: value.tolist() for key, value in one.counts.slim.items()} == {
        key: value.tolist() for key, value in several.counts.slim.items()
    }


def test_what_cannot_be_taken_as_meant_is_counted_and_named(at: Path, tmp_path: Path) -> None:
    rows: list[Line] = lines(400, 4)
    rows[3]["time"], rows[5]["age"], rows[6]["score"], rows[7]["label"] = "yesterday", "old", 1.5, 2
    path = write(tmp_path / "a.csv", rows)
    path.write_text(path.read_text() + "1,2,3\n")
    told = report(at, path)
    said = {one.what: (one.n, one.first) for one in told.notes}
    assert said[logs.RAGGED] == (1, f"{path}:402")
    assert said["rows without a usable time, left out"][0] == 1
    assert said["cells of age that are no number, counted as empty"][0] == 1
    assert said["scores that are no number from 0 to 1, not counted"][0] == 1
    assert said["labels that are neither 0 nor 1, not counted"][0] == 1
    assert sum(one.n for one in told.periods) == 399


def test_a_column_that_is_not_there_is_said_and_never_green(at: Path, tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k not in ("supplier", "label", "decision")} for row in lines(600, 5)]
    told = report(at, write(tmp_path / "a.csv", rows))
    assert any("without the column supplier" in one.what for one in told.notes)
    assert all(one.labels == 0 and one.auroc is None for one in told.periods)
    assert any("tell no label" in line for line in told.not_told)


def test_rows_make_periods_where_there_is_no_time(at: Path, tmp_path: Path) -> None:
    for name, seed in (("a.csv", 6), ("b.csv", 7)):
        write(tmp_path / name, [{k: v for k, v in row.items() if k != "time"} for row in lines(700, seed)])
    told = report(at, tmp_path, every="500")
    assert [(one.name, one.n) for one in told.periods] == [
        ("rows 1 to 500", 500), ("rows 501 to 1000", 500), ("rows 1001 to 1500", 400),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="no column 'time'"):
        report(at, tmp_path, every="1h")


def test_a_backtest_says_how_often_each_threshold_would_have_paged(at: Path, tmp_path: Path) -> None:
    (tmp_path / "changed.yaml").write_text(SLOS.replace("LIMIT", "0.5"))
    told = report(at, backtest=str(tmp_path / "changed.yaml"))
    by_slo = {one.slo: one for one in told.backtest}
    assert by_slo["ood_rate_1h"].changed_pages == 0
    assert by_slo["ood_rate"].pages == 1
    (tmp_path / "changed.yaml").write_text(SLOS.replace("LIMIT", "0.02"))
    again = {one.slo: one for one in report(at, backtest=str(tmp_path / "changed.yaml")).backtest}
    assert again["ood_rate_1h"].changed_pages == 1
    assert "would have paged once" in again["ood_rate_1h"].sentence
    (tmp_path / "changed.yaml").write_text("slos: []\n")
    with pytest.raises(ContractError, match="no SLO"):
        report(at, backtest=str(tmp_path / "changed.yaml"))


def test_the_built_profile_and_the_contract_are_used_where_there_is_one(tmp_path: Path) -> None:
    from tests.flows.tiny import ROWS, write_tiny

    tiny = write_tiny(tmp_path)
    with pytest.raises(CannotDecide, match="shipworthy build"):
        monitor(tiny.workspace, [tiny.root / "data" / "rows.csv"], Asked(), lambda _: None)
    tiny.build()
    told = monitor(tiny.workspace, [tiny.root / "data" / "rows.csv"], Asked(every="400"), lambda _: None)
    assert (told.model, told.rows, told.policy) == ("tiny-triage", sum(ROWS.values()), "safety-slos.yaml")
    assert told.outcome is Outcome.NO_DATA  # the rows have labels and no scores: error_rate cannot be told
    assert {one.slo for one in told.verdicts} == {"decision_ece_7d", "error_rate"}
    assert any(line.startswith("ood_recall_7d") for line in told.not_told)
    assert max(one.excess for one in told.features) < 0.02


def test_logs_that_are_none_are_refused_in_one_line(at: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 is not enough")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    for what, error in (("none", UsageError), ("notes.txt", UsageError), ("broken.parquet", ContractError),
                        ("twice.csv", ContractError)):  # fmt: skip
        with pytest.raises(error):
            report(at, tmp_path / what)
    with pytest.raises(UsageError, match="--score"):
        report(at, columns={"score": "scroe"})
    with pytest.raises(UsageError, match="--reference FILE"):
        report(at, reference=None)


def test_without_pyarrow_csv_works_and_parquet_says_what_to_install(at: Path, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    code = f"""
import sys
sys.modules["pyarrow"] = None
from shipworthy.cli import main
main(["--root", {str(at)!r}, "monitor", sys.argv[1], "--reference", {str(at / "ref.csv")!r}, "--json"])
"""
    told = [
        subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        for path in (at / "logs" / "a.csv", tmp_path / "a.parquet")
    ]
    assert told[0].returncode in (0, 1, 4), told[0].stderr
    assert told[1].returncode == 2
    assert "pip install 'shipworthy[logs]'" in told[1].stderr


@pytest.mark.slow
def test_ray_counts_what_one_process_counts(at: Path) -> None:
    pytest.importorskip("ray")
    from tests.flows.monitor.lenses import lens

    files = logs.found([at / "logs"])
    here, there = (
        count_files(files, lens(at / "ref.csv"), Engine(name=name, workers=2), lambda _: None)
        for name in ("local", "ray")
    )
    for mine, theirs in ((here.counts.full, there.counts.full), (here.counts.labels, there.counts.labels)):
        assert {key: value.tolist() for key, value in mine.items()} == {k: v.tolist() for k, v in theirs.items()}
