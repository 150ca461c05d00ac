"""Whatever stands where a contract file should: clear lines, exit 3 or 4, in 2 s and 512 MiB, and nothing changed."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.hostile import CPU_S, MEMORY, kinds_of
from tests.contract.repository import RECORD, THREATS
from tests.flows.tiny import Tiny, write_tiny

ROOT = Path(__file__).resolve().parents[2]
RECORD_FILE = "docs/decisions/0001-new-office.md"
CHECKED = (
    "shipworthy.yaml", "safety-slos.yaml", "robustness-pack.yaml", "threat-model.yaml", "MODEL_CARD.md",
    "deliberation-note.md", "shipworthy.lock", RECORD_FILE, "data/rows.csv", "data/more.csv.gz", "keys/ana.pub",
    "keys/verdict.pub", "keys/signing.pub",
)  # fmt: skip
JUDGED = ("model/model.sig", "shipworthy.lock", "evidence", "safety-slos.yaml", "data/more.csv.gz")
VERIFIED = ("model/model.sig", "keys/signing.pub", "shipworthy.yaml")
LINE = re.compile(r"^\S.*?: .+ — .+$")
# Plain words beside a key in PEM are remarks (RFC 7468), whatever they look like to a reader of YAML.
WORDS = (
    "many aliases", "one anchor", "a merge key", "a tag", "a directive", "keys twice", "not a number",
    "an escaped surrogate", "control characters",
)  # fmt: skip
# Spoiled in a way that leaves it sound: line ends are free, and so are the keys of a card that are not ours.
SOUND = {
    *((file, kind) for file in CHECKED for kind in ("other line ends", "old line ends")),
    *(("MODEL_CARD.md", kind) for kind in ("a key of a thousand letters", "ten thousand keys", "control characters")),
    *((file, "missing") for file in ("threat-model.yaml", "shipworthy.lock", RECORD_FILE)),  # at these stakes
    (RECORD_FILE, "a folder"),
    *((file, "a byte order mark") for file in CHECKED if file.endswith(".yaml")),
    *((file, "two documents") for file in CHECKED if file.endswith((".md", ".pub"))),  # a rule, a remark
    ("MODEL_CARD.md", "a long line"),
    *((file, kind) for file in ("model/model.sig", "evidence") for kind in ("other line ends", "old line ends")),
    *((file, kind) for file in ("keys/verdict.pub", "keys/signing.pub") for kind in WORDS),
}


def case_id(case: tuple[str, str, str]) -> str:
    return " ".join((case[2], case[0], "is", case[1]))


def plan() -> list[tuple[str, str, str]]:
    """Return every (file, kind, verb)."""
    verbs = [(file, "check") for file in CHECKED]
    verbs += [(file, "gate") for file in JUDGED] + [(file, "verify") for file in VERIFIED]
    return [(file, kind, verb) for file, verb in verbs for kind in kinds_of(file)]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Spoil everything once, in one process with one fork a case."""
    tiny = hostile_tiny(tmp_path_factory.mktemp("hostile") / "site")
    found = next((tiny.workspace.home.parent / "home").rglob("evidence.jsonl"), None) or next(
        (tiny.root / ".shipworthy").rglob("evidence.jsonl")
    )
    evidence = str(found.relative_to(tiny.root if found.is_relative_to(tiny.root) else tiny.workspace.home))
    named = [(evidence if file == "evidence" else file, kind, verb) for file, kind, verb in plan()]
    command = [sys.executable, "-m", "tests.cli.hostile", str(tiny.root), str(tiny.workspace.home)]
    ran = subprocess.run(command, input=json.dumps(named), cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(told) == len(named)
    return dict(zip(plan(), told, strict=True))


def hostile_tiny(at: Path) -> Tiny:
    """Return a repository that has every file there is, shipped once."""
    tiny = write_tiny(at)
    rows = (tiny.root / "data/rows.csv").read_bytes()
    more = {
        "threat-model.yaml": THREATS.replace("model: demo", "model: tiny-triage").encode(),
        RECORD_FILE: RECORD.encode(),
        "data/more.csv.gz": gzip.compress(rows, mtime=0),
    }
    for name, raw in more.items():
        (tiny.root / name).parent.mkdir(parents=True, exist_ok=True)
        (tiny.root / name).write_bytes(raw)
    tiny.edit("shipworthy.yaml", "datasets:\n", "datasets:\n  more: {path: data/more.csv.gz}\n")
    tiny.prepare()
    tiny.ship()
    return tiny


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", plan(), ids=case_id)
def test_a_spoiled_file_is_told_in_plain_lines_and_changes_nothing(
    results: dict[tuple[str, str, str], dict[str, Any]], case: tuple[str, str, str]
) -> None:
    left = results[case]
    told = left["err"] if case[2] != "gate" else left["out"] + left["err"]
    assert left["code"] in ((0, 3, 4) if case[:2] in SOUND else (3, 4)), left
    assert "Traceback" not in left["err"] + left["out"]
    assert "our fault" not in left["err"]
    assert left["changed"] == []
    assert left["cpu_s"] < CPU_S
    assert left["peak"] < MEMORY
    if left["code"]:
        assert told.strip()
        assert max(map(len, told.splitlines())) < 2_000
        assert len(told.splitlines()) <= 250
    if case[2] != "gate":
        assert [line for line in left["err"].splitlines() if not LINE.match(line)] == []
