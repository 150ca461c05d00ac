"""What somebody sees who has just begun: where they are, what is missing there, and what comes next, in plain words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from shipworthy.cli import cli
from tests.cli.calls import call, verb
from tests.cli.commands import commands
from tests.flows.project import write_project, write_trained
from tests.flows.tiny import Tiny
from tests.runtime.served import ask


@pytest.mark.parametrize("name", ["build", "evaluate", "gate", "scan", "sign", "keys new"])
def test_a_verb_names_the_file_first_and_no_place_that_says_nothing(
    prepared: Tiny, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (prepared.root / "shipworthy.yaml").write_text("model: [\n")
    monkeypatch.chdir(prepared.root)
    for root in (".", str(prepared.root)):
        left = call("--root", root, *name.split())
        assert left.code == 3
        assert left.err.startswith("shipworthy.yaml:")


def test_the_folder_one_stands_in_is_no_place_worth_telling(prepared: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    (prepared.root / "build.py").write_text("raise SystemExit(1)\n")
    verb(prepared, "note")
    monkeypatch.chdir(prepared.root)
    told = call("--home", str(prepared.workspace.home), "build").err.splitlines()[-1]
    assert told.startswith("the build left with 1")


@pytest.mark.parametrize("name", ["status", "serve --port 0", "ledger show", "ledger verify", "rollout status"])
def test_a_verb_in_an_empty_folder_says_so_and_leaves_it_empty(tmp_path: Path, name: str) -> None:
    left = call("--root", str(tmp_path), *name.split())
    assert left.code == 4
    assert "no site is here" in left.err
    assert "shipworthy init" in left.err
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_repository_without_its_state_needs_keys(prepared: Tiny, tmp_path: Path) -> None:
    left = call("--root", str(prepared.root), "--home", str(tmp_path / "none"), "status")
    assert left.code == 4
    assert "shipworthy keys new" in left.err
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    left = call("--root", str(tmp_path / "nowhere"), "check")
    assert left.code == 2
    assert "nowhere' does not exist" in left.err
    assert "init" not in left.err


def test_init_in_an_empty_folder_names_all_that_is_missing(tmp_path: Path) -> None:
    left = call("--root", str(tmp_path), "init")
    assert left.code == 2
    assert "no model, no training script and no table" in left.err
    assert list(tmp_path.iterdir()) == []


def test_a_finished_model_is_not_compared_with_a_script_that_is_not_there(tmp_path: Path) -> None:
    script = call("--root", str(write_project(tmp_path / "one")), "init", "--label", "churned").out
    assert "compare them with train.py" in script
    alone = call("--root", str(write_trained(tmp_path / "two")), "init", "--label", "churned").out
    assert "compare them with the code that trained it" in alone


def test_serve_says_where_it_listens(shipped: Tiny) -> None:
    where = ["--root", str(shipped.root), "--home", str(shipped.workspace.home)]
    command = [sys.executable, "-m", "shipworthy", *where, "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            told = process.stderr.readline()
            assert told.startswith("serving version 1 on http://127.0.0.1:")
            assert ask(int(told.rpartition(":")[2]), "GET", "/v2/health/ready")[0] == 200
        finally:
            process.terminate()


def test_starting_what_never_shipped_names_what_has(shipped: Tiny) -> None:
    left = verb(shipped, "rollout", "start", "9", "--as", "ana")
    assert left.code == 4
    assert left.err == "rollout: no shipped version '9' — there are: 1\n"


def test_ship_says_what_it_wrote_and_what_comes_next(prepared: Tiny) -> None:
    left = verb(prepared, "ship")
    assert left.code == 0
    written = [Path(line.removeprefix("wrote ")) for line in left.err.splitlines() if line.startswith("wrote ")]
    assert [path.name for path in written] == ["shipworthy.lock", "gate.intoto.jsonl", "1"]
    assert all(path.exists() for path in written)
    assert left.err.endswith("now commit shipworthy.lock\n")


@pytest.mark.parametrize("text", ["1s", "rolling", "soon"])
def test_a_length_that_is_none_names_its_option_and_one_example(shipped: Tiny, text: str) -> None:
    asked = (
        ("keys", "token", "--scope", "read", "--expires", text),
        ("verify", "model", "--bundle", "b", "--public-key", "k", "--max-age", text),
        ("override", "request", "--as", "ana", "--reason", "r", "--control", "c", "--tenants", "*", "--share", "1",
         "--for", text),
    )  # fmt: skip
    for words in asked:
        left = verb(shipped, *words)
        assert left.code == 2
        assert left.err.startswith(f"{words[-2]}: not a length of time: '{text}'"), left.err
        assert left.err.count("such as") == 1
        assert "`rolling`" not in left.err


def test_an_override_that_would_last_too_long_names_its_option(shipped: Tiny) -> None:
    left = verb(shipped, "override", "request", "--as", "ana", "--reason", "r", "--control", "c", "--tenants", "*",
                "--share", "1", "--for", "30d")  # fmt: skip
    assert left.code == 1
    assert left.err == "--for: 30d is longer than an override may last — at most 14d\n"


@pytest.mark.parametrize("name", ["evaluate", "scan", "scan --learn"])
def test_without_an_artefact_the_fix_is_to_build_one(written: Tiny, name: str) -> None:
    left = verb(written, *name.split())
    assert left.code == 4
    assert "there is no artefact — run `shipworthy build`" in left.err


def test_one_is_told_as_one(written: Tiny) -> None:
    left = verb(written, "check")
    assert (left.err.count("\n"), left.out.splitlines()[-1]) == (1, "1 problem")
    assert verb(written, "note", "--check").out == "1 problem\n"


def test_evaluate_says_what_it_measures_and_scan_what_it_found(prepared: Tiny) -> None:
    left = verb(prepared, "evaluate")
    assert all(" measured: " in line for line in left.err.splitlines())
    assert "cases, all passed: " in left.out
    assert verb(prepared, "scan").out.endswith(" files scanned, 0 findings, planted sample found\n")


def test_every_option_says_what_it_is_for() -> None:
    for words, command in commands():
        for option in command.params:
            if isinstance(option, click.Option):
                assert len((option.help or "").split()) > 1, f"{words} {option.opts[0]}"


def test_the_list_of_verbs_is_whole_lines() -> None:
    listed = call("--help").out.partition("Commands:\n")[2].splitlines()
    assert len(listed) == len(cli.list_commands(click.Context(cli)))
    assert all(line.endswith(".") and not line.endswith("..") for line in listed)
