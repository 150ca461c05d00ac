"""What closes no incident: rows that were learned from under any name, an old model made worse, an old threat."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.facts import digest
from shipworthy.facts.incident import Harm
from shipworthy.flows import incident as incidents
from shipworthy.flows import incident_close
from shipworthy.flows.incident_close import close
from shipworthy.flows.incident_promote import promote
from tests.flows.incident_kit import FIRST, led, mend, opened, rows_of
from tests.flows.tiny import Tiny

LEARNED = "rows of it were trained on, or nobody showed that they were not"
Change = Callable[[dict[str, str], int], dict[str, str]]


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def labelled(tiny: Tiny, change: Change) -> Path:
    """Write the incident's rows, each changed, no two alike."""
    path = rows_of(tiny)
    rows = [change({**row, "age": str(30 + at)}, at) for at, row in enumerate(lines_of(path))]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def learn(tiny: Tiny, rows: list[dict[str, str]]) -> None:
    """Add rows to what the fix is trained on."""
    path = tiny.root / "data/rows.csv"
    columns = path.read_text().splitlines()[0].split(",")
    added = [",".join({**row, "split": "train", "tenant": "acme"}[name] for name in columns) for row in rows]
    path.write_text(path.read_text() + "".join(f"{line}\n" for line in added))
    manifest = tiny.root / "shipworthy.yaml"
    manifest.write_text(re.sub(r"sha256:[0-9a-f]{64}", digest(path.read_bytes()), manifest.read_text()))


def closed_after(tiny: Tiny, change: Change, learned: Change, part: int = 80) -> tuple[str, ...]:
    """Promote rows, train a fix on a part of the same rows as they are then written, and try to close."""
    name = opened(tiny)
    path = labelled(tiny, change)
    promote(tiny.workspace, name, path, "chidi", 0.15)
    led(tiny, name)
    learn(tiny, [learned(row, at) for at, row in enumerate(lines_of(path))][:part])
    mend(tiny, name)
    return close(tiny.workspace, name, "chidi").refused


def as_it_is(row: dict[str, str], at: int) -> dict[str, str]:
    return row


def renamed(row: dict[str, str], at: int) -> dict[str, str]:
    return {**row, "visit": f"new-{at}"}


def no_unit(row: dict[str, str], at: int) -> dict[str, str]:
    return {**row, "visit": ""}


def like_a_hidden_one(row: dict[str, str], at: int) -> dict[str, str]:
    return {**row, "visit": f"#inc-{at}"}


def another_speed(row: dict[str, str], at: int) -> dict[str, str]:
    return {**row, "visit": f" {row['visit']} ", "speed": str(int(row["speed"]) - 3)}


@pytest.mark.parametrize(
    ("change", "learned", "part"),
    [
        (as_it_is, as_it_is, 1),
        (like_a_hidden_one, as_it_is, 1),
        (as_it_is, no_unit, 1),
        (as_it_is, another_speed, 1),
        (as_it_is, renamed, 41),
    ],
)
def test_rows_of_a_case_that_a_fix_learned_from_prove_nothing_by_whatever_name(
    denying: Tiny, change: Change, learned: Change, part: int
) -> None:
    told = closed_after(denying, change, learned, part)
    assert f"incident.unfamiliar-supplier: {LEARNED}" in told
    assert told[0].startswith("incident.unfamiliar-supplier: rows of it")


def test_a_fix_that_learned_from_the_file_of_the_case_is_found_by_its_hidden_units(denying: Tiny) -> None:
    name = opened(denying)
    promote(denying.workspace, name, labelled(denying, as_it_is), "chidi", 0.15)
    led(denying, name)
    text = gzip.decompress((denying.root / "cases/incident.unfamiliar-supplier.csv.gz").read_bytes()).decode()
    (row,) = list(csv.DictReader(text.splitlines()))[:1]
    learn(denying, [{**row, "speed": "1"}])
    mend(denying, name)
    assert f"incident.unfamiliar-supplier: {LEARNED}" in close(denying.workspace, name, "chidi").refused


def test_other_people_who_look_the_same_are_not_the_same(denying: Tiny) -> None:
    assert closed_after(denying, as_it_is, renamed, part=40) == ()


def test_an_old_model_made_worse_is_not_what_shipped(mended: Tiny) -> None:
    folder = mended.at / "home" / "releases" / "1"
    weights = folder / "model/weights.json"
    weights.chmod(0o644)
    weights.write_text(weights.read_text().replace("-8", "-9"))
    with pytest.raises(CannotDecide, match=r"weights\.json"):
        close(mended.workspace, FIRST, "chidi")
    assert "respond.incident_closed" not in mended.kinds()


def test_another_release_that_is_signed_and_passed_is_not_the_one_of_the_incident(mended: Tiny, tmp_path: Path) -> None:
    twin = mended.copy(tmp_path / "twin")
    twin.edit("shipworthy.yaml", 'version: "2"', 'version: "1"')
    twin.weigh(per_year=0.041)
    twin.prepare()
    shutil.rmtree(twin.at / "home/releases/1")
    twin.ship()  # with the same keys, and unknown to the ledger of the first site
    here, there = (one.at / "home/releases/1" for one in (mended, twin))
    here.rename(tmp_path / "aside")
    there.rename(here)
    with pytest.raises(CannotDecide, match="knows no such release"):
        close(mended.workspace, FIRST, "chidi")


THREATS = (
    "schema: shipworthy/threat-model@1\nmodel: tiny-triage\ncreated: 2027-01-04\n"
    "assets: [{id: A1, kind: endpoint}]\nthreats:\n  - {id: T9, asset: A1, likelihood: 2, impact: 3,\n"
    "     treatment: test, bound_to: [%s]}\n"
)


def test_what_comes_back_needs_a_threat_bound_to_its_new_case(mended: Tiny) -> None:
    path = mended.root / "threat-model.yaml"
    path.write_text(THREATS % '"case:incident.unfamiliar-supplier"')
    assert close(mended.workspace, FIRST, "chidi").incident.threat_model_update == "T9"
    assert opened(mended) == FIRST
    incidents.command(mended.workspace, FIRST, "ana")
    incidents.update(mended.workspace, FIRST, incidents.Changes(harm=Harm(type="none", severity="none")), "ana")
    made = promote(mended.workspace, FIRST, rows_of(mended), "chidi", 0.15)
    mended.prepare()
    told = close(mended.workspace, FIRST, "chidi")
    assert told.refused == ("no threat is bound to its case, and nobody signed why none is",)
    path.write_text(THREATS % f'"case:{made.cases[0].id}"')
    assert close(mended.workspace, FIRST, "chidi").refused == ()


@pytest.mark.parametrize(
    ("said", "tells"),
    [
        (f"{FIRST}: unknown", True),
        (f"({FIRST}).", True),
        (f"{FIRST}0", False),
        (f"{FIRST}-2", False),
        (f"X{FIRST}", False),
        (f"OLD-{FIRST}", False),
    ],
)
def test_a_note_tells_of_an_incident_by_its_whole_name(mended: Tiny, said: str, tells: bool) -> None:
    mended.edit("deliberation-note.md", f"After {FIRST} unknown", f"After {said} unknown")
    silent = () if tells else ("the deliberation note does not tell of it",)
    assert close(mended.workspace, FIRST, "chidi").refused == silent


def test_a_note_that_named_it_before_says_nothing_new(mended: Tiny) -> None:
    contract = mended.workspace.contract()
    (one,) = incidents.listed(mended.workspace)
    assert incident_close._note(contract, contract, one) == ""
