"""Whatever stands where a text, a number or a path is asked for: a documented exit code and one line, never 70."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from shipworthy.cli.words import Words
from tests.cli.calls import Left, call, verb
from tests.cli.commands import commands
from tests.flows.tiny import Tiny

BAD = {"a lone surrogate": "\udcff", "two lines": "2\n3", "5,000 characters": "9" * 5_000}
DOCUMENTED = (0, 1, 2, 3, 4, 5)
LEAVES = {name: one for name, one in commands() if not isinstance(one, click.Group)}


def params_of(kind: type[Any]) -> list[tuple[str, str]]:
    """Return (command, parameter) of each parameter of a kind."""
    return [(name, str(p.name)) for name, one in LEAVES.items() for p in one.params if isinstance(p.type, kind)]


TEXTS = params_of(Words)
PROSE = ("because", "reason", "control")  # comes in lines, which are joined
CALLS = [(*one, bad) for one in TEXTS for bad in BAD if not (one[1] in PROSE and bad == "two lines")]
REASONS = [(name, "because") for name in ("kill", "degrade")]


def words_for(name: str, bad: str, value: str, file: Path) -> list[str]:
    """Return a call in which the one parameter has the bad value and each other that is needed a good one."""
    words = name.split()
    for param in LEAVES[name].params:
        given = value if param.name == bad else _good(param, file) if param.required else None
        if given is not None:
            words += [param.opts[0], given] if isinstance(param, click.Option) else [given]
    return words


def _good(param: click.Parameter, file: Path) -> str:
    if isinstance(param.type, click.Choice):
        return str(param.type.choices[0])
    if isinstance(param.type, click.Path):
        return str(file)
    return {"person": "ana", "share": "5", "lasts": "36h", "expires": "1d", "tenants": "acme"}.get(str(param.name), "2")


def plain(left: Left) -> Left:
    """Check how it left: a documented code, no traceback, and one line when it is not 0."""
    assert left.code in DOCUMENTED, left.err[-2000:]
    assert "Traceback" not in left.err
    assert left.code == 0 or (left.err + left.out).count("\n") == 1, left.err
    return left


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, _shipped: Tiny) -> Iterator[Tiny]:
    """One site for all calls that change nothing: it must be the same at the end."""
    tiny = _shipped.copy(tmp_path_factory.mktemp("words") / "site")
    (tiny.at / "file").write_text("x\n")
    before = files_of(tiny.at)
    yield tiny
    assert files_of(tiny.at) == before


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_are_texts_to_try() -> None:
    assert len(TEXTS) > 40
    left = [p for one in LEAVES.values() for p in one.params if p.type is click.STRING]
    assert left == []


@pytest.mark.parametrize("case", CALLS, ids=" ".join)
def test_a_text_that_cannot_be_kept_is_told_in_one_line_and_changes_nothing(
    site: Tiny, case: tuple[str, str, str]
) -> None:
    name, param, bad = case
    left = plain(verb(site, *words_for(name, param, BAD[bad], site.at / "file")))
    assert (left.code, left.out) == (2, "")


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("case", REASONS, ids=" ".join)
def test_an_order_is_never_refused_for_the_words_of_its_reason(shipped: Tiny, case: tuple[str, str], bad: str) -> None:
    left = plain(verb(shipped, *words_for(*case, BAD[bad], shipped.at)[:3], "--as", "ana"))
    assert left.code == 0
    (held,) = shipped.state().orders
    assert held.because.isprintable()
    assert held.because[:1] in ("2", "9", "\\")


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("case", params_of(click.Path), ids=" ".join)
def test_a_path_that_cannot_be_is_no_fault_of_ours(
    shipped: Tiny, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str], bad: str
) -> None:
    monkeypatch.chdir(shipped.at)
    (shipped.at / "file").write_text("x\n")
    left = verb(shipped, *words_for(*case, BAD[bad], shipped.at / "file"))
    assert left.code in DOCUMENTED, left.err[-2000:]
    assert "Traceback" not in left.err


def test_lengths_that_fit_no_calendar(site: Tiny) -> None:
    far = "99999999999999999d"
    key = str(site.workspace.keys / "verdict.pub.pem")
    bundle = next(str(path) for path in (site.root / ".shipworthy").rglob("gate.intoto.jsonl"))
    asked = ("--as", "ana", "--reason", "r", "--control", "c", "--tenants", "acme", "--share", "5", "--for", far)
    for words in (
        ("verify", str(site.root / "model"), "--bundle", bundle, "--public-key", key, "--max-age", far),
        ("keys", "token", "--scope", "gate", "--expires", far),
        ("override", "request", *asked),
    ):
        left = plain(verb(site, *words))
        assert left.code == 2
        assert "hundred years" in left.err


def test_a_manifest_cannot_keep_a_verdict_for_ever(written: Tiny) -> None:
    written.edit("shipworthy.yaml", "fallback: human_review\nkill", "retention: {verdict: 9999999999999d}\nkill")
    left = verb(written, "check")
    assert left.code == 3
    assert "retention.verdict: longer than a hundred years" in left.err


@pytest.mark.parametrize("number", ["nan", "NaN", "-nan", "inf", "1e999"])
def test_no_number_is_no_share_and_no_target(site: Tiny, number: str) -> None:
    asked = ("--as", "ana", "--reason", "r", "--control", "c", "--tenants", "acme", "--for", "3d")
    assert verb(site, "override", "request", *asked, "--share", number).code == 2
    rows = ("--rows", str(site.at / "file"), "--as", "ana")
    left = verb(site, "incident", "promote", "INC-2027-0001", *rows, "--target", number)
    assert left.code == 2
    assert "no incident" not in left.err


@pytest.mark.parametrize("version", ["2\n3", "v" * 300, "../2", ".."])
def test_a_decision_is_about_a_version_that_can_be(site: Tiny, version: str) -> None:
    words = ("decide", "record", "do-not-deploy", "--version", version, "--because", "no", "--as", "chidi")
    assert plain(verb(site, *words)).code == 2


@pytest.mark.timeout(60)
def test_a_pipe_in_place_of_a_bundle_is_refused_at_once(site: Tiny, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    key = str(site.workspace.keys / "verdict.pub.pem")
    words = ("verify", str(site.root / "model"), "--bundle", str(tmp_path / "pipe"), "--public-key", key)
    left = plain(verb(site, *words))
    assert left.code == 4
    assert "not a plain file" in left.err


@pytest.mark.parametrize("option", ["--signature", "--public-key", "PATH", "--bundle"])
def test_a_loop_of_links_is_refused(site: Tiny, tmp_path: Path, option: str) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    named = {
        "PATH": str(site.root / "model"),
        "--signature": str(site.root / "model/model.sig"),
        "--public-key": str(site.root / "keys/signing.pub"),
    }
    if option == "--bundle":
        del named["--signature"]
    named[option] = str(loop)
    words = [named.pop("PATH"), *(word for pair in named.items() for word in pair)]
    assert plain(call("verify", *words)).code == 4
    if option == "PATH":
        key = str(site.workspace.keys / "signing.pem")
        assert plain(call("sign", str(loop), "--key", key)).code == 4
