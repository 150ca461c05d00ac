from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.contract.contract import make_lock
from shipworthy.contract.files.reader import read_change, read_contract, read_manifest
from shipworthy.contract.lock import render_lock
from shipworthy.errors import ContractError
from tests.contract.repository import (
    DATA,
    MISSION_SLOS,
    PACK,
    RECORD,
    THREATS,
    files,
    manifest,
    pem_key,
    ssh_key,
    stamp,
    standard,
    whole,
    write,
)

SHA = "sha256:" + "0" * 64
SLOS = MISSION_SLOS.decode()


@pytest.mark.parametrize("stakes", ["low", "standard"])
def test_a_whole_contract_is_read_without_a_fault(tmp_path: Path, stakes: str) -> None:
    contract = whole(tmp_path, stakes)
    assert contract.manifest.stakes == stakes
    assert contract.lock is None
    assert [person.id for person in contract.holders("operator")] == ["ana"]
    assert contract.person("ben") is not None
    assert len({contract.change, contract.policy_digest, contract.pack_digest, contract.data_digest}) == 4


def test_an_empty_folder_lacks_four_files_and_says_so_in_one_go(tmp_path: Path) -> None:
    contract, problems = read_contract(tmp_path)
    assert contract is None
    assert [problem.file for problem in problems] == [
        "MODEL_CARD.md",
        "deliberation-note.md",
        "safety-slos.yaml",
        "shipworthy.yaml",
    ]
    assert {(problem.what, problem.exit_code) for problem in problems} == {("missing", 3)}


BAD: list[tuple[str, str | bytes | None, str, int, str]] = [
    ("deliberation-note.md", None, "deliberation-note.md", 1, "missing"),
    ("MODEL_CARD.md", None, "MODEL_CARD.md", 1, "missing"),
    (
        "safety-slos.yaml",
        SLOS.replace('target: "<=', 'target: "<= 0.5"\n    target: "<='),
        "safety-slos.yaml",
        11,
        "twice",
    ),
    ("safety-slos.yaml", SLOS.replace("ood_recall_7d", "ood_recal_7d"), "safety-slos.yaml", 3, "unknown indicator"),
    ("safety-slos.yaml", "slos: " + "[" * 60, "safety-slos.yaml", 1, "nested deeper"),
    ("safety-slos.yaml", "a: &a [x]\nb: *a\n", "safety-slos.yaml", 2, "an alias"),
    ("safety-slos.yaml", "slos: !!python/name:os.system\n", "safety-slos.yaml", 1, "a tag"),
    ("safety-slos.yaml", SLOS.replace('">= 0.90"', ".nan"), "safety-slos.yaml", 5, "not a finite number"),
    ("safety-slos.yaml", SLOS + "extra: 1\n", "safety-slos.yaml", 18, "unknown key extra"),
    ("safety-slos.yaml", b"\xff\xfe", "safety-slos.yaml", 1, "not UTF-8"),
    ("safety-slos.yaml", b"#" * (1 << 20) + b"##", "safety-slos.yaml", 1, "larger than"),
    ("shipworthy.yaml", standard() + "wat: 1\n", "shipworthy.yaml", 30, "unknown key wat"),
    ("keys/ana.pub", None, "shipworthy.yaml", 13, "no public key 'keys/ana.pub'"),
    ("keys/ana.pub", "ssh-rsa AAAA\n", "keys/ana.pub", 1, "not an OpenSSH Ed25519 public key"),
    ("keys/ana.pub", ssh_key(4), "shipworthy.yaml", 14, "ana and ben share one key"),
    ("keys/verdict.pub", "hello\n", "keys/verdict.pub", 1, "not a public key in PEM"),
    ("keys/old.pem", "x\n-----BEGIN EC PRIVATE KEY-----\n", "keys/old.pem", 2, "holds a private key"),
    ("notes.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "notes.txt", 1, "holds a private key"),
    ("data/rows.csv", DATA + b"1,P1,0,test\n", "shipworthy.yaml", 26, "has the digest sha256:"),
    ("data/rows.csv", DATA.replace(b"split", b"spilt"), "shipworthy.yaml", 17, "unknown name 'split'"),
    ("data/rows.csv", DATA.replace(b"age", b"years"), "shipworthy.yaml", 17, "has no column 'age'"),
    ("data/rows.csv", b"", "data/rows.csv", 1, "header line is empty"),
    ("data/rows.csv", b"age,office,age\n", "data/rows.csv", 1, "names a column twice"),
    ("data/rows.csv", b"\xff\n", "data/rows.csv", 1, "no header line"),
    ("data/rows.csv", None, "shipworthy.yaml", 17, "no file 'data/rows.csv'"),
    ("train.py", None, "shipworthy.yaml", 6, "code 'train.py' names no file"),
    ("docs/decisions/0001-new-office.md", None, "shipworthy.yaml", 29, "no decision record"),
    (
        "docs/decisions/0001-new-office.md",
        RECORD.replace("accepted", "rejected"),
        "shipworthy.yaml",
        29,
        "the decision 0001-new-office is rejected",
    ),
    ("docs/decisions/0002-x.md", "no front matter", "docs/decisions/0002-x.md", 1, "no front matter"),
    ("threat-model.yaml", THREATS.replace("case:b", "case:B"), "threat-model.yaml", 6, "no case is named"),
    (
        "robustness-pack.yaml",
        PACK.replace("owner: ben", "owner: ben\n    threat: T9"),
        "robustness-pack.yaml",
        25,
        "T9",
    ),
    ("robustness-pack.yaml", PACK.replace("age >= 75", "agee >= 75"), "robustness-pack.yaml", 6, "unknown name 'agee'"),
    ("cases/office.csv", None, "robustness-pack.yaml", 20, "no file 'cases/office.csv'"),
    ("shipworthy.lock", "{}", "shipworthy.lock", 1, "missing key subject"),
    ("shipworthy.lock", "{", "shipworthy.lock", 1, "not JSON"),
]


@pytest.mark.parametrize(("name", "content", "file", "line", "told"), BAD, ids=[f"{row[0]}: {row[4]}" for row in BAD])
def test_a_bad_file_is_told_at_its_line_with_exit_code_3(
    tmp_path: Path, name: str, content: str | bytes | None, file: str, line: int, told: str
) -> None:
    contents = files("standard")
    contents.pop(name, None)
    write(tmp_path, contents | ({name: content} if content is not None else {}))
    contract, problems = read_contract(tmp_path)
    assert contract is None
    seen = [(problem.file, problem.line, problem.exit_code) for problem in problems if told in problem.what]
    assert (file, line, 3) in seen, [str(problem) for problem in problems]
    assert all(str(problem).startswith(f"{problem.file}:{problem.line}:{problem.column}: ") for problem in problems)


def test_faults_of_many_files_come_at_once(tmp_path: Path) -> None:
    contents = files("standard") | {
        "safety-slos.yaml": SLOS.replace("7d", "8w"),
        "shipworthy.yaml": standard().replace("stakes: standard", "stakes: extreme"),
        "MODEL_CARD.md": "nothing",
        "deliberation-note.md": "nothing",
        "robustness-pack.yaml": PACK.replace("blocker", "bad"),
        "threat-model.yaml": "[]",
        "shipworthy.lock": "[]",
    }
    _, problems = read_contract(write(tmp_path, contents))
    assert {problem.file for problem in problems} >= {
        "safety-slos.yaml",
        "shipworthy.yaml",
        "MODEL_CARD.md",
        "deliberation-note.md",
        "robustness-pack.yaml",
        "shipworthy.lock",
        "threat-model.yaml",
    }


def test_a_note_of_another_change_comes_with_the_contract_and_exit_code_4(tmp_path: Path) -> None:
    whole(tmp_path)
    (tmp_path / "train.py").write_text("print('other')\n")
    contract, problems = read_contract(tmp_path)
    assert contract is not None
    assert [(problem.file, problem.exit_code) for problem in problems] == [("deliberation-note.md", 4)]
    stamp(tmp_path)
    assert read_contract(tmp_path)[1] == ()


@pytest.mark.parametrize(
    "name",
    ["train.py", "data/rows.csv", "safety-slos.yaml", "robustness-pack.yaml", "cases/office.csv", "shipworthy.yaml"],
)
def test_every_file_of_the_change_moves_its_digest(tmp_path: Path, name: str) -> None:
    before = read_change(write(tmp_path, files("standard")))
    with (tmp_path / name).open("a") as stream:
        stream.write("\n")
    after = read_change(tmp_path)
    assert None not in (before[0], after[0])
    assert before[0] != after[0]


@pytest.mark.parametrize(
    "name", ["MODEL_CARD.md", "deliberation-note.md", "README.md", "model/a.skops", ".shipworthy/x"]
)
def test_what_comes_after_the_change_does_not_move_its_digest(tmp_path: Path, name: str) -> None:
    before = read_change(write(tmp_path, files("standard")))
    write(tmp_path, {name: "changed"})
    assert read_change(tmp_path) == before


def test_without_a_file_of_the_change_there_is_no_digest(tmp_path: Path) -> None:
    write(tmp_path, files("standard"))
    (tmp_path / "cases/office.csv").unlink()
    assert read_change(tmp_path)[0] is None
    (tmp_path / "data/rows.csv").unlink()
    assert read_change(tmp_path)[0] is None


def test_the_lock_of_a_release_is_read_with_the_next(tmp_path: Path) -> None:
    contract = whole(tmp_path)
    lock = make_lock(contract, contract.subject(SHA, SHA), "{}")
    write(tmp_path, {"shipworthy.lock": render_lock(lock)})
    again, problems = read_contract(tmp_path)
    assert not problems
    assert again is not None
    assert again.lock == lock
    write(tmp_path, {"shipworthy.lock": render_lock(lock).replace('"model": "demo"', '"model": "x"')})
    assert "the lock is of 'x'" in read_contract(tmp_path)[1][0].what


@pytest.mark.parametrize(
    "name", ["safety-slos.yaml", "train.py", "keys/ana.pub", "data/rows.csv", "docs/decisions/0001-new-office.md"]
)
def test_a_symbolic_link_is_refused(tmp_path: Path, name: str) -> None:
    root = write(tmp_path / "root", files("standard"))
    target = root / name
    outside = tmp_path / "outside"
    outside.write_bytes(target.read_bytes())
    target.unlink()
    target.symlink_to(outside)
    contract, problems = read_contract(root)
    assert contract is None
    assert (name, "cannot be read: a symbolic link") in [(problem.file, problem.what) for problem in problems]


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "root", files("standard") | {"shipworthy.yaml": standard().replace("[train.py]", "[src]")})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.py").write_text("x")
    (root / "src").symlink_to(tmp_path / "elsewhere")
    contract, problems = read_contract(root)
    assert contract is None
    assert "src" in [problem.file for problem in problems]


@pytest.mark.parametrize("place", ["docs", "docs/decisions"])
@pytest.mark.parametrize("how", ["link", "file"])
def test_decisions_cannot_be_put_out_of_sight(tmp_path: Path, place: str, how: str) -> None:
    root = write(tmp_path / "root", files("low") | {"docs/decisions/0001-no.md": RECORD})
    assert (read_contract(root)[0] is not None) is True
    hidden = (root / place).rename(tmp_path / "hidden")
    if how == "link":
        (root / place).symlink_to(hidden)
    else:
        (root / place).write_text("")
    contract, problems = read_contract(root)
    assert contract is None
    assert (place, "not a folder that can be read") in [(problem.file, problem.what) for problem in problems]


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    write(tmp_path, files())
    (tmp_path / "train.py").unlink()
    os.mkfifo(tmp_path / "train.py")
    _, problems = read_contract(tmp_path)
    assert ("train.py", "cannot be read: not a plain file") in [(problem.file, problem.what) for problem in problems]


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, {name: content for name, content in files().items() if name != "safety-slos.yaml"})
    (tmp_path / "safety-slos.yaml").mkdir()
    assert read_contract(tmp_path)[0] is None


def test_a_name_that_is_not_utf_8_is_told_and_never_a_traceback(tmp_path: Path) -> None:
    write(tmp_path, files() | {"shipworthy.yaml": manifest().replace("[train.py]", "['*.py']")})
    with open(os.fsencode(tmp_path) + b"/\xff.py", "w") as stream:
        stream.write("x")
    contract, problems = read_contract(tmp_path)
    assert contract is None
    assert any(str(problem).startswith("\ufffd.py:1:1: cannot be read") for problem in problems)


def test_a_folder_that_is_not_there_lacks_everything(tmp_path: Path) -> None:
    contract, problems = read_contract(tmp_path / "nowhere")
    assert contract is None
    assert {problem.what for problem in problems} == {"missing"}


def test_packed_tables_are_read(tmp_path: Path) -> None:
    contents = files() | {
        "shipworthy.yaml": manifest().replace("rows.csv", "rows.csv.gz"),
        "data/rows.csv.gz": gzip.compress(DATA),
    }
    write(tmp_path, contents)
    stamp(tmp_path)
    assert read_contract(tmp_path)[1] == ()
    write(tmp_path, {"data/rows.csv.gz": gzip.compress(DATA)[:12]})
    assert any("no header line" in problem.what for problem in read_contract(tmp_path)[1])
    write(tmp_path, {"data/rows.csv.gz": b"not packed"})
    assert any("no header line" in problem.what for problem in read_contract(tmp_path)[1])


def test_the_manifest_alone_can_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"shipworthy.yaml": manifest()})
    assert read_manifest(tmp_path).model == "demo"
    write(tmp_path, {"shipworthy.yaml": "model: 1"})
    with pytest.raises(ContractError, match=r"shipworthy.yaml:1:1: model: expected text"):
        read_manifest(tmp_path)


def test_files_without_a_reader_are_listed_and_caches_are_not(tmp_path: Path) -> None:
    contract = whole(tmp_path)
    write(tmp_path, {"more/a.txt": "x", ".git/config": "x", "__pycache__/a.pyc": "x", ".shipworthy/state/x": "x"})
    again, _ = read_contract(tmp_path)
    assert again is not None
    assert set(again.files) - set(contract.files) == {"more/a.txt"}


_NAMES = st.sampled_from([*files("standard"), "shipworthy.lock", "docs/decisions/0009-x.md", "cases/x.csv"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_NAMES, st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_whatever_stands_in_a_file_there_is_never_a_traceback(tmp_path: Path, name: str, raw: bytes) -> None:
    root = write(tmp_path, files("standard") | {"shipworthy.lock": "{}"})
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(raw)
    contract, problems = read_contract(root)
    assert contract is None
    assert problems
    (root / name).unlink()


def test_reading_loads_neither_numpy_nor_scikit_learn() -> None:
    code = (
        "import sys; import shipworthy.contract.files.reader, shipworthy.contract.loosening; "
        "sys.exit(bool({'numpy', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keys_of_issuers_are_read_as_text(tmp_path: Path) -> None:
    assert whole(tmp_path).issuers.signing == pem_key(1).strip()
